#include "harness/monitor/model.hpp"

#include <gtest/gtest.h>

using namespace faultline::monitor;
using faultline::probes::Kind;

namespace {

Sample sample_at(std::uint64_t seconds, std::map<std::string, Figure, std::less<>> figures) {
    Sample sample;
    sample.at_ns = seconds * 1'000'000'000;
    sample.figures = std::move(figures);
    return sample;
}

} // namespace

TEST(Model, RatesAreOfOneSecondAndOnlyOfCounters) {
    const Frame frame(sample_at(1, {{"faults", {Kind::counter, 100}}, {"rss", {Kind::gauge, 5}}}),
                      sample_at(3, {{"faults", {Kind::counter, 300}}, {"rss", {Kind::gauge, 7}}}));
    EXPECT_EQ(frame.seconds(), 2);
    EXPECT_EQ(frame.rate("faults"), 100);
    EXPECT_FALSE(frame.rate("rss"));
    EXPECT_EQ(frame.value("rss"), 7U);
    EXPECT_EQ(frame.rated(), std::vector<std::string>{"faults"});
}

TEST(Model, WhatIsMissingInOneSampleHasNoRateAndTheFirstFrameHasNone) {
    const Frame first({}, sample_at(1, {{"faults", {Kind::counter, 100}}}));
    EXPECT_FALSE(first.rate("faults"));
    EXPECT_EQ(first.seconds(), 0);
    const Frame frame(sample_at(1, {{"a", {Kind::counter, std::nullopt}}}),
                      sample_at(2, {{"a", {Kind::counter, 5}}, {"b", {Kind::counter, 5}}}));
    EXPECT_FALSE(frame.rate("a"));
    EXPECT_FALSE(frame.rate("b"));
}

TEST(Model, CountThatWentBackIsNoNegativeRate) {
    const Frame frame(sample_at(1, {{"a", {Kind::counter, 9}}}), sample_at(2, {{"a", {Kind::counter, 5}}}));
    EXPECT_EQ(frame.rate("a"), 0);
}

TEST(Model, FiguresOfSeveralProcessesAreAddedUp) {
    const faultline::probes::Metric rss{
        "rss_bytes", "rss", "procfs", Kind::gauge, faultline::probes::Scope::process, ""};
    Sample sample;
    add(sample, {{{&rss, 100}}, {}});
    add(sample, {{{&rss, std::nullopt}}, {}});
    add(sample, {{{&rss, 50}}, {}});
    EXPECT_EQ(sample.figures.at("rss_bytes").value, 150U);
}

TEST(Model, RowsOfTablesAreSortedByWhatTheyCountedLast) {
    Sample before = sample_at(1, {});
    Sample now = sample_at(2, {});
    before.tables["slab"] = {{"old", {1000, 10}}, {"idle", {5, 5}}};
    now.tables["slab"] = {{"old", {1010, 20}}, {"idle", {5, 5}}, {"fresh", {30, 40}}};
    const Frame frame(before, now);
    const auto rows = frame.top("slab", 9);
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0].key, "fresh");
    EXPECT_EQ(rows[1].per_second, (std::vector<double>{10, 10}));
    EXPECT_EQ(frame.top("slab", 1).size(), 1U);
    EXPECT_TRUE(frame.top("none", 1).empty());
}
