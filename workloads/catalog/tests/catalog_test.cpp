#include "workloads/catalog/catalog.hpp"
#include "workloads/catalog/tests/tiny.hpp"
#include "workloads/engine/census.hpp"
#include "workloads/engine/latency.hpp"

#include <gtest/gtest.h>
#include <set>

using namespace faultline;
using engine::WorkloadSpec;

namespace {

struct Outcome {
    std::uint64_t checksum = 0;
    std::uint64_t operations = 0;
    std::uint64_t samples = 0;
    std::uint64_t sampled_every = 0;
};

Outcome run(const WorkloadSpec& spec, const engine::Arguments& arguments) {
    const std::unique_ptr<engine::Workload> workload = spec.make(arguments);
    const Result<void> prepared = workload->prepare();
    EXPECT_TRUE(prepared) << spec.name;
    workload->warmup();
    workload->measure();
    workload->drain();
    engine::Arena arena;
    engine::LatencyRecorder latency;
    workload->collect_latency(latency, arena);
    Outcome outcome{workload->checksum(), workload->operations(), 0, latency.every()};
    for (std::size_t i = 0; i < engine::operation_count; ++i)
        if (const engine::Histogram* table = latency.table(static_cast<engine::Operation>(i)))
            for (std::size_t size_class = 0; size_class < engine::size_class_count; ++size_class)
                outcome.samples += table[size_class].count();
    return outcome;
}

std::string error_of(std::string_view text) {
    const Result<Selection> selection = select_workload(text, "x");
    if (selection)
        return "accepted";
    EXPECT_EQ(selection.error().status, Exit::usage);
    return selection.error().line();
}

class EachWorkload : public testing::TestWithParam<const WorkloadSpec*> {};

} // namespace

TEST_P(EachWorkload, ChecksumFollowsTheSeedAndNothingElse) {
    const WorkloadSpec& spec = *GetParam();
    const auto seven = tests::tiny_arguments(spec, 7);
    if (!seven)
        GTEST_SKIP() << "it needs a file";
    const Outcome first = run(spec, *seven);
    const Outcome again = run(spec, *seven);
    const Outcome other = run(spec, *tests::tiny_arguments(spec, 8));
    EXPECT_EQ(first.checksum, again.checksum);
    EXPECT_NE(first.checksum, other.checksum);
    EXPECT_EQ(first.operations, again.operations);
    EXPECT_EQ(first.operations, spec.cost(*seven).operations) << "what the plan is told";
    if (!spec.has_allocator_axis())
        return;
    EXPECT_GE(first.samples, first.operations / 5 / 2) << "every fifth call is sampled";
    EXPECT_EQ(first.sampled_every, 5U);
    EXPECT_LE(first.samples * first.sampled_every, first.operations) << "warm-up and drain are not sampled";
}

TEST_P(EachWorkload, LivesWithinItsCost) {
    const auto arguments = tests::tiny_arguments(*GetParam(), 1);
    if (!arguments)
        GTEST_SKIP() << "it needs a file";
    const engine::Cost cost = GetParam()->cost(*arguments);
    EXPECT_GT(cost.live_bytes, 0U);
    EXPECT_GE(cost.allocated_bytes, GetParam()->has_allocator_axis() ? cost.live_bytes / 4 : 0);
    EXPECT_GT(cost.operations, 0U);
}

TEST_P(EachWorkload, IsFoundByItsLabel) {
    const auto arguments = tests::tiny_arguments(*GetParam(), 1);
    if (!arguments)
        GTEST_SKIP() << "it needs a file";
    const std::string name = label(*GetParam(), *arguments);
    const Result<Selection> selection = select_workload(name, "");
    ASSERT_TRUE(selection) << selection.error().line();
    EXPECT_EQ(selection->spec, GetParam());
    const auto again = resolve(*selection->spec, selection->threads.value_or(1), 1, selection->given, "");
    ASSERT_TRUE(again) << again.error().line();
    EXPECT_EQ(label(*selection->spec, *again), name);
}

INSTANTIATE_TEST_SUITE_P(Catalog, EachWorkload, testing::ValuesIn(catalog().begin(), catalog().end()),
                         [](const testing::TestParamInfo<const WorkloadSpec*>& info) {
                             std::string name(info.param->name);
                             std::erase(name, '-');
                             return name;
                         });

TEST(Catalog, NamesAreUniqueAndDescribed) {
    std::set<std::string_view> names;
    for (const WorkloadSpec* spec : catalog()) {
        EXPECT_TRUE(names.insert(spec->name).second) << spec->name;
        EXPECT_FALSE(spec->summary.empty()) << spec->name;
        EXPECT_FALSE(spec->citation.empty()) << spec->name;
        EXPECT_EQ(spec->threaded, spec->name.ends_with('N')) << spec->name;
        for (const engine::Parameter& parameter : spec->parameters)
            EXPECT_FALSE(parameter.help.empty()) << spec->name << " " << parameter.name;
    }
}

TEST(Select, ReadsThreadsFromTheNameOrTheKey) {
    const Result<Selection> by_name = select_workload("larson8", "");
    ASSERT_TRUE(by_name);
    EXPECT_EQ(by_name->spec->name, "larsonN");
    EXPECT_EQ(by_name->threads, 8U);
    const Result<Selection> by_key = select_workload("larsonN:threads=3,slots=10", "");
    ASSERT_TRUE(by_key);
    EXPECT_EQ(by_key->threads, 3U);
    EXPECT_EQ(by_key->given.at("slots"), "10");
    EXPECT_EQ(by_key->given.size(), 1U);
    const Result<Selection> open = select_workload("larsonN", "");
    ASSERT_TRUE(open);
    EXPECT_EQ(open->threads, std::nullopt);
}

TEST(Select, RefusesWithTheNearestName) {
    EXPECT_EQ(error_of("larsn8"),
              "x: unknown workload \"larsn8\"; did you mean \"larsonN\"? See `faultline list workloads`");
    EXPECT_EQ(error_of("pair2"),
              "x: unknown workload \"pair2\"; did you mean \"pair\"? See `faultline list workloads`");
    EXPECT_EQ(error_of("zzzzzzzzzzzzz"),
              "x: unknown workload \"zzzzzzzzzzzzz\"; see `faultline list workloads`");
    EXPECT_EQ(error_of(""), "x: unknown workload \"\"; see `faultline list workloads`");
    EXPECT_EQ(error_of("larson0"), "x: \"0\" is no thread count in workload \"larson0\"; give 1 to 1024");
    EXPECT_EQ(error_of("larson99999999999"),
              "x: \"99999999999\" is no thread count in workload \"larson99999999999\"; give 1 to 1024");
    EXPECT_EQ(error_of("larsonN:threads=x"),
              "x: \"x\" is no thread count in workload \"larsonN:threads=x\"; give 1 to 1024");
    EXPECT_EQ(error_of("pair:size"),
              "x: \"size\" in workload \"pair:size\" is not key=value; write NAME:key=value,key=value");
    EXPECT_EQ(error_of("pair:=3"),
              "x: \"=3\" in workload \"pair:=3\" is not key=value; write NAME:key=value,key=value");
    EXPECT_EQ(error_of("pair:size=1,size=2"),
              "x: \"size\" stands twice in workload \"pair:size=1,size=2\"; leave one away");
}

// What is called remote is what a thread frees that another one made, and nothing else, by a count of all calls; where a
// workload does not know, it calls none remote.
TEST_P(EachWorkload, CallsRemoteWhatAnotherThreadMade) {
    auto arguments = tests::tiny_arguments(*GetParam(), 1);
    if (!arguments)
        GTEST_SKIP() << "needs a file";
    arguments->values["latency_every"] = "0"; // the census sees every call then
    engine::Census census(1'000'000);
    const std::unique_ptr<engine::Workload> workload = GetParam()->make(*arguments);
    ASSERT_TRUE(workload->prepare());
    workload->warmup();
    census.begin_measure();
    workload->measure();
    census.end_measure();
    workload->drain();
    const engine::Census::Figures& figures = census.figures();
    const std::uint64_t remote = figures.calls[static_cast<std::size_t>(engine::Operation::remote_free)];
    static const std::set<std::string_view> knowing = {"sh8benchN", "xmalloc-testN", "cache-scratchN",
                                                       "ringN", "producer-consumerN"};
    EXPECT_EQ(remote, knowing.contains(GetParam()->name) ? figures.frees_by_others : 0);
    EXPECT_EQ(remote > 0, knowing.contains(GetParam()->name));
}
