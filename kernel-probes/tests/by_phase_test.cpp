#include "kernel-probes/probe.hpp"

#include <gtest/gtest.h>

using namespace faultline::probes;
using faultline::engine::Phase;

namespace {

constexpr Metric faults{"faults", "g", "l", Kind::counter, Scope::process, ""};
constexpr Metric rss{"rss", "g", "l", Kind::gauge, Scope::process, ""};
constexpr Metric peak_rss{"peak", "g", "l", Kind::peak, Scope::process, ""};

} // namespace

TEST(ByPhase, CountersAreDifferencesAndGaugesAndPeaksTheValuesAtTheEnd) {
    const std::vector<Snapshot> snapshots = {{{{&faults, 10}, {&rss, 7}, {&peak_rss, 9}}, {}},
                                             {{{&faults, 25}, {&rss, 3}, {&peak_rss, 9}}, {}}};
    const auto values = by_phase(snapshots);
    ASSERT_EQ(values.size(), 6U);
    EXPECT_EQ(values[0].value, 10U); // from attach on
    EXPECT_EQ(values[3].phase, Phase::warmup);
    EXPECT_EQ(values[3].value, 15U);
    EXPECT_EQ(values[4].value, 3U);
    EXPECT_EQ(values[5].value, 9U);
}

TEST(ByPhase, CounterWithAnEndMissingOrFallenIsAbsentNotZero) {
    const std::vector<Snapshot> snapshots = {{{{&faults, std::nullopt}}, {}},
                                             {{{&faults, 25}}, {}},
                                             {{{&faults, 20}}, {}},
                                             {},
                                             {{{&faults, 40}}, {}}};
    const auto values = by_phase(snapshots);
    ASSERT_EQ(values.size(), 4U);
    for (const PhaseValue& value : values) {
        EXPECT_EQ(value.value, std::nullopt);
    }
}

TEST(ByPhase, RowsOfTablesAreDifferencesAndThoseThatCountedNothingAreLeftOut) {
    const Table slabs{"slabs", "g", "l", "cache", {"calls", "bytes"}, ""};
    const std::vector<Snapshot> snapshots = {{{}, {{&slabs, {{"a", {2, 20}}}}}},
                                             {{}, {{&slabs, {{"a", {2, 20}}, {"b", {1, 8}}}}}},
                                             {{}, {{&slabs, {{"a", {5, 50}}, {"b", {1, 8}}}}}}};
    const auto tables = tables_by_phase(snapshots);
    ASSERT_EQ(tables.size(), 3U);
    using Rows = std::map<std::string, std::vector<std::uint64_t>>;
    EXPECT_EQ(tables[0].content.rows, (Rows{{"a", {2, 20}}}));
    EXPECT_EQ(tables[1].content.rows, (Rows{{"b", {1, 8}}}));
    EXPECT_EQ(tables[2].content.rows, (Rows{{"a", {3, 30}}}));
}
