#include "kernel-probes/cross_check.hpp"

#include <gtest/gtest.h>
#include <map>

using namespace faultline::probes;

namespace {

std::vector<CrossCheck> checks_of(const std::map<std::string, std::uint64_t, std::less<>>& figures) {
    return cross_check([&](std::string_view name) {
        const auto found = figures.find(name);
        return found == figures.end() ? std::nullopt : std::optional(found->second);
    });
}

} // namespace

TEST(CrossCheck, AgreementWithinTheToleranceIsTrusted) {
    const auto checks = checks_of({{"faults_minor", 10'100},
                                   {"faults_major", 0},
                                   {"rusage_minor_faults", 10'000},
                                   {"rusage_major_faults", 0}});
    ASSERT_EQ(checks.size(), 2U);
    EXPECT_EQ(checks[0].metrics, "faults_minor+faults_major");
    EXPECT_TRUE(checks[0].trusted);
    EXPECT_TRUE(checks[1].trusted);
}

TEST(CrossCheck, DisagreementBeyondItIsNot) {
    for (const std::uint64_t ours : {5'000U, 15'000U}) {
        const auto checks = checks_of({{"faults_minor", ours},
                                       {"faults_major", 0},
                                       {"rusage_minor_faults", 10'000},
                                       {"rusage_major_faults", 0}});
        EXPECT_FALSE(checks.at(0).trusted) << ours;
        EXPECT_TRUE(checks.at(1).trusted) << ours;
    }
}

TEST(CrossCheck, TheHostMayCountMoreButNotLess) {
    EXPECT_TRUE(checks_of({{"alloc_pages_pages", 10}, {"host_pages_allocated", 1'000'000}}).at(0).trusted);
    EXPECT_FALSE(checks_of({{"alloc_pages_pages", 1'000'000}, {"host_pages_allocated", 10}}).at(0).trusted);
}

TEST(CrossCheck, WhatWasNotMeasuredIsNotCompared) {
    EXPECT_TRUE(checks_of({{"faults_minor", 1}, {"rusage_minor_faults", 1}}).empty());
}
