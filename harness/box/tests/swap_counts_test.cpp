// Swap that a box makes, seen by the probes: what is known to be swapped must be counted.
#include "harness/box/box.hpp"
#include "kernel-probes/check/known_child.hpp"
#include "kernel-probes/probe.hpp"

#include <cstdio>
#include <gtest/gtest.h>
#include <unistd.h>

using namespace faultline;
using probes::KnownChild;

namespace {

constexpr std::uint32_t pages = 5000;
constexpr std::uint64_t limit_bytes = std::uint64_t{256} << 20; // nothing reaches it

std::uint64_t value_of(probes::Probe& probe, std::string_view name) {
    probes::Snapshot snapshot;
    probe.mark(engine::Phase::warmup, snapshot);
    for (const probes::Value& value : snapshot.values) {
        if (value.metric->name == name && value.value) {
            return *value.value;
        }
    }
    ADD_FAILURE() << name << " has no value";
    return 0;
}

} // namespace

// zram: pages are written while they are paged out, and none is left in the swap cache. A file takes its time.
TEST(SwapCounts, PagesPagedOutAndReadAgainAreSwapOutsSwapInsAndFaultsOfThatKind) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "SKIPPED: swap needs root";
    }
    const auto swap = box::parse_swap("zram:64M");
    ASSERT_TRUE(swap);
    const auto box = box::Box::make(limit_bytes, *swap);
    if (!box) {
        GTEST_SKIP() << "SKIPPED: " << box.error().line();
    }
    // As by default where there is swap.
    const auto all = probes::make_probes({});
    ASSERT_TRUE(all);
    probes::Probe& probe = *all->back();
    for (const probes::Capability& capability : probe.check()) {
        if (capability.status == probes::Status::unavailable) {
            GTEST_SKIP() << "SKIPPED: " << capability.group << ": " << capability.reason;
        }
    }
    ASSERT_EQ(probe.layer(), "bpf-tp");
    auto child = KnownChild::start();
    ASSERT_TRUE(child);
    ASSERT_TRUE(probe.attach({child->pid()}));
    ASSERT_TRUE(child->do_deed(KnownChild::Deed::swap_in, pages));
    const auto faults = value_of(probe, "faults_swap");
    const auto in = value_of(probe, "swap_in_pages");
    const auto out = value_of(probe, "swap_out_pages");
    std::printf("paged out and read %u: swapped out %llu, in %llu, faults %llu\n", pages,
                static_cast<unsigned long long>(out), static_cast<unsigned long long>(in),
                static_cast<unsigned long long>(faults));
    EXPECT_NEAR(static_cast<double>(faults), pages, pages * 0.02);
    EXPECT_NEAR(static_cast<double>(in), pages, pages * 0.02);
    EXPECT_NEAR(static_cast<double>(out), pages, pages * 0.02);
}
