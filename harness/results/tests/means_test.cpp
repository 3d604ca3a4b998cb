// The mean over workloads and what is left out of it: the cases that the reports' Python is tried by as well.
#include "base/file.hpp"
#include "harness/results/summary.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <numeric>

using namespace faultline;
using nlohmann::json;
using results::ByRound;

namespace {

ByRound by_round(const json& values) {
    ByRound found;
    for (unsigned round = 0; round < values.size(); ++round) {
        if (!values[round].is_null()) {
            found[round] = values[round].get<double>();
        }
    }
    return found;
}

double width(std::size_t samples) {
    std::vector<double> differences(samples);
    std::iota(differences.begin(), differences.end(), 0.0);
    const results::Interval found = results::signed_rank_interval(differences);
    EXPECT_DOUBLE_EQ(found.estimate, static_cast<double>(samples - 1) / 2);
    return found.high - found.low;
}

} // namespace

TEST(Means, LeaveOutAndGiveWhatTheReportsDo) {
    const json cases = json::parse(read_file(FAULTLINE_MEANS_CASES).value());
    ASSERT_FALSE(cases.empty());
    for (const json& tried : cases) {
        SCOPED_TRACE(tried["says"].get<std::string>());
        const json& means = tried["means"];
        std::vector<std::vector<ByRound>> rows;
        for (const json& arms : tried["workloads"]) {
            rows.emplace_back();
            for (const auto& [name, mean] : means.items()) {
                rows.back().push_back(results::log_ratios(by_round(arms["base"]), by_round(arms[name]),
                                                          tried["ratio_from"].get<double>()));
            }
        }
        const std::vector<bool> steady = results::steady_rows(rows);
        std::vector<std::string> left;
        std::size_t row = 0;
        for (const auto& [label, arms] : tried["workloads"].items()) {
            if (steady[row++]) {
                left.push_back(label);
            }
        }
        EXPECT_EQ(json(left), tried["steady"]);
        std::size_t column = 0;
        for (const auto& [name, mean] : means.items()) {
            std::vector<ByRound> used;
            for (std::size_t i = 0; i < rows.size(); ++i) {
                if (steady[i]) {
                    used.push_back(rows[i][column]);
                }
            }
            const auto found = results::mean_ratio(used);
            ASSERT_TRUE(found) << name;
            EXPECT_NEAR(found->ratio, mean["ratio"].get<double>(), 1e-8) << name;
            EXPECT_EQ(found->rows, mean["over"].get<std::size_t>()) << name;
            ++column;
        }
    }
}

TEST(Means, TheIntervalRunsBetweenTheOrdersOfTheTables) {
    // Hollander, Wolfe and Chicken, table A.4: at 2.5 % on each side the order is 1, 9 and 53 of 6, 10 and 20 samples.
    // The averages of 0, 1, 2, ... in order are 0, 1/2, 1, 1, 3/2, 3/2, ...
    EXPECT_DOUBLE_EQ(width(5), 4); // the whole range, which is all that five can give
    EXPECT_DOUBLE_EQ(width(6), 5);
    EXPECT_DOUBLE_EQ(width(10), 9 - 2 * 2.0);
    EXPECT_DOUBLE_EQ(width(20), 19 - 2 * 6.5);
}

TEST(Means, TheApproximationJoinsTheExactInterval) {
    EXPECT_DOUBLE_EQ(width(120), 13); // both as the reports' signed_rank.interval()
    EXPECT_DOUBLE_EQ(width(121), 13);
}
