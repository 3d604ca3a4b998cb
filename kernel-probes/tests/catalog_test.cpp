#include "kernel-probes/probe.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <set>

using namespace faultline::probes;
using faultline::Exit;

TEST(Catalog, MetricNamesAreUniqueOverAllLayersAndCarryHelp) {
    std::set<std::string_view> names;
    const auto probes = make_probes({});
    ASSERT_TRUE(probes);
    for (const auto& probe : *probes) {
        for (const Metric& metric : probe->metrics()) {
            EXPECT_TRUE(names.insert(metric.name).second) << metric.name;
            EXPECT_FALSE(metric.help.empty()) << metric.name;
            EXPECT_EQ(metric.layer, probe->layer()) << metric.name;
            EXPECT_EQ(metric.scope == Scope::host, metric.name.starts_with("host_")) << metric.name;
        }
    }
    EXPECT_TRUE(names.contains("minor_faults"));
    EXPECT_TRUE(names.contains("context_switches"));
}

TEST(Catalog, UnknownGroupIsAUsageErrorThatListsTheKnownOnes) {
    const std::string groups[] = {"faults", "fualts"};
    const auto probes = make_probes(groups);
    ASSERT_FALSE(probes);
    EXPECT_EQ(probes.error().status, Exit::usage);
    EXPECT_NE(probes.error().line().find("unknown probe group \"fualts\"; the groups are faults, "),
              std::string::npos);
}

TEST(Catalog, GroupsThatCostMostAreMeasuredWhenAskedForAlone) {
    const auto has_latency = [](const std::vector<std::string>& groups) {
        const auto probes = make_probes(groups);
        return std::any_of(probes->begin(), probes->end(), [](const auto& probe) {
            const auto metrics = probe->metrics();
            return std::any_of(metrics.begin(), metrics.end(),
                               [](const Metric& metric) { return metric.group == "latency"; });
        });
    };
    EXPECT_FALSE(has_latency({}));
    EXPECT_TRUE(has_latency({"all"}));
    EXPECT_TRUE(has_latency({"latency"}));
    EXPECT_TRUE(make_probes(std::vector<std::string>{"none"})->empty());
}

TEST(Catalog, WhatIsTimedTooIsMeasuredWithoutKindsOfFaults) {
    const auto has_kinds = [](const std::vector<std::string>& groups, const Circumstances& circumstances) {
        const auto probes = make_probes(groups, circumstances);
        return std::any_of(probes->begin(), probes->end(), [](const auto& probe) {
            const auto metrics = probe->metrics();
            return std::any_of(metrics.begin(), metrics.end(),
                               [](const Metric& metric) { return metric.group == "fault_kinds"; });
        });
    };
    EXPECT_TRUE(has_kinds({}, {}));
    EXPECT_FALSE(has_kinds({}, {.timed = true}));
    EXPECT_TRUE(has_kinds({"fault_kinds"}, {.timed = true}));
}

TEST(Catalog, ProbesThatDisturbComeLast) {
    const auto probes = make_probes(std::vector<std::string>{"all"});
    EXPECT_TRUE(std::is_sorted(probes->begin(), probes->end(),
                               [](const auto& a, const auto& b) { return !a->disturbs() && b->disturbs(); }));
}

TEST(Catalog, OnlyTheGroupsAskedForAreMeasured) {
    const std::string groups[] = {"psi"};
    const auto probes = make_probes(groups);
    ASSERT_TRUE(probes);
    ASSERT_EQ(probes->size(), 1U); // perf-sw has nothing to say of it
    for (const Metric& metric : probes->front()->metrics()) {
        EXPECT_EQ(metric.group, "psi");
    }
}
