#include "kernel-probes/layers.hpp"
#include "kernel-probes/tests/probe_testing.hpp"

using namespace faultline::probes;
using faultline::probes::testing::value_of;
using Deed = KnownChild::Deed;

namespace {

const Wanted everything = [](std::string_view) { return true; };

Capability capability_of(std::string_view group) {
    for (const Capability& capability : make_perf_sw(everything)->check()) {
        if (capability.group == group) {
            return capability;
        }
    }
    return {"", "", Status::unavailable, "no such group", 0, ""};
}

class PerfSwTest : public ::testing::Test {
  protected:
    void SetUp() override {
        const Capability faults = capability_of("faults");
        if (faults.status == Status::unavailable) {
            GTEST_SKIP() << "SKIPPED: " << faults.reason;
        }
        auto started = KnownChild::start();
        ASSERT_TRUE(started);
        child_.emplace(std::move(*started));
        probe_ = make_perf_sw(everything);
        ASSERT_TRUE(probe_->attach({child_->pid()}));
    }
    std::optional<KnownChild> child_;
    std::unique_ptr<Probe> probe_;
};

} // namespace

TEST_F(PerfSwTest, PagesTouchedAreCountedWithinTwoPercent) {
    constexpr std::uint32_t pages = 5000;
    ASSERT_TRUE(child_->do_deed(Deed::touch_pages, pages));
    EXPECT_NEAR(static_cast<double>(value_of(*probe_, "perf_minor_faults").value()), pages, pages * 0.02);
    EXPECT_NEAR(static_cast<double>(value_of(*probe_, "perf_page_faults").value()), pages, pages * 0.02);
}

TEST_F(PerfSwTest, SwitchesOfAThreadThatEndedAreCounted) {
    if (capability_of("scheduling").status != Status::ok) {
        GTEST_SKIP() << "SKIPPED: " << capability_of("scheduling").reason;
    }
    ASSERT_TRUE(child_->do_deed(Deed::thread_sleep, 100));
    EXPECT_GE(value_of(*probe_, "context_switches").value(), 100U);
    EXPECT_LE(value_of(*probe_, "context_switches").value(), 1000U);
}

TEST_F(PerfSwTest, TaskClockIsTheCpuTimeUsed) {
    ASSERT_TRUE(child_->do_deed(Deed::burn_ms, 20));
    EXPECT_GE(value_of(*probe_, "task_clock_ns").value(), 19'000'000U);
}

TEST_F(PerfSwTest, NothingIsReadAfterFinish) {
    probe_->finish();
    Snapshot snapshot;
    probe_->mark(faultline::engine::Phase::end, snapshot);
    for (const Value& value : snapshot.values) {
        EXPECT_EQ(value.value, std::nullopt) << value.metric->name;
    }
}

// An event that opens and then counts nothing must be absent, not 0: what an ordinary user gets of context
// switches.
TEST(PerfSw, OrdinaryUserSeesFaultsOfUserCodeAndNoFalseZero) {
    const auto honest = [] {
        const Capability scheduling = capability_of("scheduling");
        const Capability faults = capability_of("faults");
        auto child = KnownChild::start();
        const auto probe = make_perf_sw(everything);
        if (!child || !probe->attach({child->pid()}) || !child->do_deed(Deed::sleep, 50) ||
            !child->do_deed(Deed::touch_pages, 100)) {
            return false;
        }
        const auto switches = value_of(*probe, "context_switches");
        const auto pages = value_of(*probe, "perf_minor_faults");
        std::fprintf(stderr, "scheduling: %s\nfaults: %s\n", scheduling.reason.c_str(),
                     faults.reason.c_str());
        return switches.value_or(50) >= 50 && switches.has_value() == (scheduling.status == Status::ok) &&
               pages.value_or(100) >= 100 && pages.has_value() == (faults.status != Status::unavailable);
    };
    EXPECT_TRUE(::geteuid() == 0 ? faultline::probes::testing::passes_as_ordinary_user(honest) : honest());
}
