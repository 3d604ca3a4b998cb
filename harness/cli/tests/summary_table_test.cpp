#include "harness/cli/summary_table.hpp"

#include <gtest/gtest.h>

using namespace faultline;

namespace {

constexpr unsigned rounds = 3;

// Three rounds of two workloads on two allocators: heap in MiB is what `heap` gives for (workload, allocator, round).
template <class Heap>
std::string table_of(Heap heap) {
    static const engine::WorkloadSpec spec{};
    plan::Plan plan;
    results::Document document;
    document.rounds_whole = rounds;
    for (const std::string name : {"system", "other"}) {
        plan::Arm arm;
        arm.allocator.name = name;
        plan.arms.push_back(arm);
    }
    for (const std::string label : {"one", "two"}) {
        plan::Row row;
        row.label = label;
        row.spec = &spec;
        plan.rows.push_back(row);
        for (const plan::Arm& arm : plan.arms) {
            for (unsigned round = 0; round < rounds; ++round) {
                results::TrialResult trial;
                trial.workload = label;
                trial.allocator = arm.allocator.name;
                trial.round = round;
                trial.baseline_rss_bytes = 0;
                trial.peak_rss_bytes = std::uint64_t{heap(label, arm.allocator.name, round)} << 20;
                results::PhaseResult measure;
                measure.name = "measure";
                measure.wall_ns = measure.cpu_ns = 1000;
                measure.operations = 10;
                trial.phases.push_back(measure);
                document.trials.push_back(trial);
            }
        }
    }
    return cli::summary_table(plan, document);
}

std::string line_with(const std::string& text, const std::string& word, std::size_t from) {
    const std::size_t found = text.find(word, from);
    return found == std::string::npos ? "" : text.substr(found, text.find('\n', found) - found);
}

} // namespace

TEST(SummaryTable, AWorkloadThatSwingsIsInNoMeanAndThatIsSaid) {
    const std::string text = table_of([](const std::string& label, const std::string& name, unsigned round) {
        constexpr unsigned swing[rounds] = {10, 56, 25};
        return name == "other" ? 30U : label == "two" ? swing[round] : 20U;
    });
    const std::size_t heap = text.find("peak heap");
    ASSERT_NE(heap, std::string::npos) << text;
    EXPECT_TRUE(line_with(text, "geometric mean", heap).ends_with(" 1.50x (1 of 2)")) << text;
    EXPECT_EQ(
        line_with(text, "not in the mean", heap),
        "not in the mean, for swinging too far from round to round: two (system: 10.0 MiB to 56.0 MiB)");
    EXPECT_EQ(text.rfind("not in the mean", heap), std::string::npos) << "time does not swing\n" << text;
}

TEST(SummaryTable, WhatIsSteadyIsInTheMeanWithoutAWord) {
    const std::string text = table_of([](const std::string& label, const std::string& name, unsigned) {
        return name == "other" ? 30U : label == "two" ? 40U : 20U;
    });
    EXPECT_TRUE(line_with(text, "geometric mean", text.find("peak heap")).ends_with(" 1.06x")) << text;
    EXPECT_EQ(text.find("not in the mean"), std::string::npos) << text;
}
