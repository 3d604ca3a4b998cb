#include "workloads/engine/parameter.hpp"
#include "workloads/engine/workload.hpp"

#include <gtest/gtest.h>

using namespace faultline;
using namespace faultline::engine;

namespace {

using Given = std::map<std::string, std::string, std::less<>>;

constexpr Parameter parameters[] = {
    integer_parameter("size", "64", 8, 1 << 20, "bytes", ""),
    choice_parameter("order", "fifo", "fifo|lifo", ""),
    path_parameter("file", "", ""),
};

Result<void> refuse_7777(const Arguments& arguments, std::string_view where) {
    if (arguments.integer("size") == 7777)
        return fail(Exit::usage, std::string(where), "7777 is refused", "give another");
    return {};
}

constexpr WorkloadSpec spec = {"exampleN", "", "", parameters, true, false, nullptr, nullptr, refuse_7777};
constexpr WorkloadSpec single = {"single", "", "", {}, false, false, nullptr, nullptr, nullptr};

std::string error_of(const Given& given, unsigned threads = 1) {
    const Result<Arguments> arguments = resolve(spec, threads, 1, given, "a.toml:3");
    if (arguments)
        return "accepted";
    EXPECT_EQ(arguments.error().status, Exit::usage);
    return arguments.error().line();
}

} // namespace

TEST(Resolve, FillsInDefaultsIncludingTheCommonOnes) {
    const Result<Arguments> arguments = resolve(spec, 3, 9, {{"file", "x"}, {"size", "128"}}, "");
    ASSERT_TRUE(arguments);
    EXPECT_EQ(arguments->integer("size"), 128);
    EXPECT_EQ(arguments->text("order"), "fifo");
    EXPECT_EQ(arguments->integer("latency_every"), 251);
    EXPECT_EQ(arguments->threads, 3U);
    EXPECT_EQ(arguments->seed, 9U);
}

TEST(Resolve, SuffixesArePowersOfTwo) {
    const Result<Arguments> arguments = resolve(spec, 1, 1, {{"file", "x"}, {"size", "64K"}}, "");
    ASSERT_TRUE(arguments);
    EXPECT_EQ(arguments->text("size"), "65536");
}

TEST(Resolve, RefusesWithPlaceFactAndRemedy) {
    EXPECT_EQ(error_of({{"file", "x"}, {"sze", "1"}}),
              "a.toml:3: exampleN: there is no parameter \"sze\"; did you mean \"size\"?");
    EXPECT_EQ(error_of({{"file", "x"}, {"qqqqqqqqqqqq", "1"}}),
              "a.toml:3: exampleN: there is no parameter \"qqqqqqqqqqqq\"; it takes size, order, file, "
              "latency_every");
    EXPECT_EQ(error_of({{"file", "x"}, {"size", "7"}}),
              "a.toml:3: exampleN: size=7 is out of range; give 8 to 1048576 bytes");
    EXPECT_EQ(error_of({{"file", "x"}, {"order", "other"}}),
              "a.toml:3: exampleN: order=other is not known; choose one of fifo|lifo");
    EXPECT_EQ(error_of({}), "a.toml:3: exampleN: it needs a file; add file=FILE");
    EXPECT_EQ(error_of({{"file", "x"}}, 0), "a.toml:3: exampleN: 0 threads are out of range; give 1 to 1024");
    EXPECT_EQ(error_of({{"file", "x"}, {"size", "7777"}}),
              "a.toml:3: exampleN: 7777 is refused; give another");
}

TEST(Resolve, RefusesWhatIsNoWholeNumberInRange) {
    for (const char* text : {"", "K", "x", "12x", "0x40", " 64", "64 ", "1.5", "+64", "64KB"})
        EXPECT_EQ(error_of({{"file", "x"}, {"size", text}}),
                  "a.toml:3: exampleN: size=" + std::string(text) +
                      " is not a whole number; give 8 to 1048576 bytes");
    for (const char* text :
         {"-64", "9223372036854775807", "9223372036854775808", "9007199254740993G", "1025K"})
        EXPECT_EQ(error_of({{"file", "x"}, {"size", text}}), "a.toml:3: exampleN: size=" + std::string(text) +
                                                                 " is out of range; give 8 to 1048576 bytes");
}

TEST(Resolve, AWorkloadOfOneThreadTakesNoThreadCount) {
    EXPECT_EQ(resolve(single, 2, 1, {}, "").error().line(),
              "single: it runs in one thread; leave the thread count away");
}

TEST(Label, NamesThreadsAndWhatDiffersFromTheDefaults) {
    EXPECT_EQ(label(spec, *resolve(spec, 2, 1, {{"file", "x"}}, "")), "example2:file=x");
    EXPECT_EQ(label(spec, *resolve(spec, 8, 1, {{"file", "x"}, {"size", "1K"}, {"order", "fifo"}}, "")),
              "example8:size=1024,file=x");
    EXPECT_EQ(label(single, *resolve(single, 1, 1, {}, "")), "single");
}
