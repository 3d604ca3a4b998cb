#include "base/file.hpp"
#include "harness/results/csv.hpp"
#include "harness/results/document.hpp"
#include "harness/results/google_benchmark.hpp"
#include "harness/results/summary.hpp"

#include <cmath>
#include <cstdlib>
#include <gtest/gtest.h>

using namespace faultline;
using results::Document;
using results::Json;
using results::PhaseResult;
using results::TrialResult;

namespace {

TrialResult trial(const std::string& allocator, unsigned round, std::uint64_t wall_ns) {
    TrialResult made;
    made.workload = "larson2";
    made.allocator = allocator;
    made.round = round;
    made.peak_rss_bytes = 1000 * (round + 1);
    PhaseResult measure;
    measure.name = "measure";
    measure.wall_ns = wall_ns;
    measure.cpu_ns = 2 * wall_ns;
    measure.operations = 10;
    measure.kernel["pages"] = nullptr;
    made.phases.push_back(measure);
    return made;
}

Document document() {
    Document made;
    made.rounds_whole = 3;
    made.trials = {trial("system", 0, 100), trial("system", 1, 300), trial("system", 2, 200)};
    made.trials[1].invalid_reason = "killed by signal 11, said \"no\", and went";
    return made;
}

} // namespace

TEST(Document, UnmeasuredIsNullAndNeverZero) {
    const Json json = results::to_json(document());
    EXPECT_TRUE(json["trials"][0]["phases"][0]["kernel"]["pages"].is_null());
    EXPECT_TRUE(json["trials"][0]["retained_rss_bytes"].is_null());
}

TEST(Document, WhatIsWrittenIsReadBack) {
    char name[] = "/tmp/faultline-results-test-XXXXXX";
    const std::filesystem::path path = std::filesystem::path(::mkdtemp(name)) / "r.json";
    ASSERT_TRUE(results::write(document(), path));
    EXPECT_EQ(results::read(path).value(), results::to_json(document()));
    std::filesystem::remove_all(path.parent_path());
}

TEST(Document, NamesThatAreNotUtf8AreReplacedNotThrownAt) {
    char name[] = "/tmp/faultline-results-test-XXXXXX";
    const std::filesystem::path path = std::filesystem::path(::mkdtemp(name)) / "r.json";
    Document made = document();
    made.trials[0].stderr_tail = "\xff\xfe";
    EXPECT_TRUE(results::write(made, path));
    std::filesystem::remove_all(path.parent_path());
}

TEST(Document, BrokenFilesAreDataErrorsThatNameThePlace) {
    char name[] = "/tmp/faultline-results-test-XXXXXX";
    const std::filesystem::path directory = ::mkdtemp(name);
    const auto status_of = [&](std::string_view content) {
        EXPECT_TRUE(write_file_atomically(directory / "r.json", content));
        const auto read = results::read(directory / "r.json");
        EXPECT_FALSE(read);
        EXPECT_NE(read.error().line().find("r.json"), std::string::npos);
        return read.error().status;
    };
    EXPECT_EQ(status_of(""), Exit::data);
    EXPECT_EQ(status_of("{\"schema\": \"faultline-results/1\", \"tri"), Exit::data);
    EXPECT_EQ(status_of("[]"), Exit::data);
    EXPECT_EQ(status_of("{\"schema\": \"faultline-results/999\", \"trials\": []}"), Exit::data);
    EXPECT_EQ(status_of("{\"schema\": \"faultline-results/1\", \"trials\": [1]}"), Exit::data);
    EXPECT_EQ(results::read(directory / "none.json").error().status, Exit::no_input);
    std::filesystem::remove_all(directory);
}

TEST(GoogleBenchmarkLayout, HoldsValidTrialsPerOperation) {
    const Json layout = results::google_benchmark_layout(results::to_json(document()));
    ASSERT_EQ(layout["benchmarks"].size(), 2U);
    EXPECT_EQ(layout["benchmarks"][0]["name"], "larson2/system");
    EXPECT_EQ(layout["benchmarks"][0]["real_time"], 10.0);
    EXPECT_EQ(layout["benchmarks"][1]["repetition_index"], 2);
}

TEST(Csv, QuotesFieldsAndKeepsInvalidTrials) {
    const std::string csv = results::to_csv(results::to_json(document()));
    EXPECT_NE(csv.find("\"killed by signal 11, said \"\"no\"\", and went\""), std::string::npos);
    EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 4);
    EXPECT_EQ(csv.substr(0, 9), "workload,");
}

TEST(Csv, TextThatASpreadsheetWouldRunIsDefused) {
    Document made = document();
    made.trials[0].allocator = "=cmd()";
    EXPECT_NE(results::to_csv(results::to_json(made)).find(",'=cmd(),"), std::string::npos);
}

TEST(Summary, MediansAreOfValidTrialsOnly) {
    const std::string workloads[] = {"larson2"};
    const std::string allocators[] = {"system", "none"};
    const auto summary = results::summarise(document().trials, workloads, allocators);
    EXPECT_EQ(summary.rows[0].cells[0].wall_ns, 150.0);
    EXPECT_EQ(summary.rows[0].cells[0].invalid, 1U);
    EXPECT_EQ(summary.rows[0].cells[1].wall_ns, std::nullopt);
}

TEST(Summary, MedianOfEvenAndOdd) {
    EXPECT_EQ(results::median({3, 1, 2}), 2.0);
    EXPECT_EQ(results::median({4, 1, 3, 2}), 2.5);
}

TEST(Summary, TheRatioIsPairedWithinRoundsAsInTheReports) {
    // The differences ln 2, ln 2 and ln 8 have the means ln 2 three times, ln 4 twice, and ln 8.
    const results::ByRound base{{0, 10.0}, {1, 100.0}, {2, 10.0}, {3, 5.0}};
    const results::ByRound candidate{{0, 20.0}, {1, 200.0}, {2, 80.0}};
    const auto ratios = results::log_ratios(base, candidate, 0);
    EXPECT_EQ(ratios.size(), 3U);
    EXPECT_NEAR(results::paired_ratio(ratios).value(), std::exp((std::log(2) + std::log(4)) / 2), 1e-9);
    EXPECT_EQ(results::paired_ratio({}), std::nullopt);
}

TEST(Summary, WhatIsTooSmallGivesNoRatio) {
    EXPECT_TRUE(results::log_ratios({{0, 4.0}, {1, 0.5}}, {{0, 4.0}, {1, 4.0}}, 1.0).empty());
    EXPECT_TRUE(results::log_ratios({{0, 0.0}}, {{0, 4.0}}, 0).empty());
}

TEST(Summary, TheMeanIsOverRowsThatHaveRatiosAndRoundsThatHaveAllOfThem) {
    const results::ByRound rows[] = {{{0, std::log(2.0)}, {1, 9.0}}, {}, {{0, std::log(8.0)}}};
    const auto mean = results::mean_ratio(rows);
    ASSERT_TRUE(mean);
    EXPECT_NEAR(mean->ratio, 4.0, 1e-9);
    EXPECT_EQ(mean->rows, 2U);
    EXPECT_FALSE(results::mean_ratio({}));
}

TEST(Summary, TheHeapIsThePeakLessWhatWasThereBefore) {
    Document made = document();
    made.trials[0].baseline_rss_bytes = 400;
    made.trials[2].baseline_rss_bytes = 9000; // more than the peak: the heap did not grow
    const std::string workloads[] = {"larson2"};
    const std::string allocators[] = {"system"};
    const auto summary = results::summarise(made.trials, workloads, allocators);
    const results::ByRound expected{{0, 600.0}, {2, 0.0}};
    EXPECT_EQ(summary.rows[0].cells[0].heap_in_rounds, expected);
}
