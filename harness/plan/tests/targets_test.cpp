#include "harness/plan/targets.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace faultline;

namespace {

std::vector<plan::Row> rows_of(const std::vector<std::string>& words) {
    const auto suite = plan::gather(words);
    EXPECT_TRUE(suite) << suite.error().line();
    const auto rows = plan::make_rows(*suite);
    EXPECT_TRUE(rows) << rows.error().line();
    return rows.value_or(std::vector<plan::Row>());
}

Error error_of(const std::vector<std::string>& words) {
    const auto suite = plan::gather(words);
    if (!suite) {
        return suite.error();
    }
    const auto rows = plan::make_rows(*suite);
    EXPECT_FALSE(rows);
    return rows ? Error{} : rows.error();
}

} // namespace

TEST(Targets, OnlyTheRowsOfTheLabelsNamedAreKept) {
    const std::vector<std::string> words{"pair:size=64", "glibc-simple"};
    auto rows = rows_of(words);
    const std::vector<std::string> labels{"glibc-simple"};
    ASSERT_TRUE(plan::keep_rows(rows, labels));
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows.front().label, "glibc-simple");
    const auto unknown = plan::keep_rows(rows, words);
    ASSERT_FALSE(unknown);
    EXPECT_NE(unknown.error().line().find("pair:size=64"), std::string::npos);
    EXPECT_TRUE(plan::keep_rows(rows, {}));
    EXPECT_EQ(rows.size(), 1U);
}

TEST(Targets, WordsBecomeRowsWithTheFieldsNames) {
    const auto rows = rows_of({"larson2", "larsonN:threads=3", "pair:size=64", "pair:size=128"});
    ASSERT_EQ(rows.size(), 4U);
    EXPECT_EQ(rows[0].label, "larson2");
    EXPECT_EQ(rows[0].arguments.threads, 2U);
    EXPECT_EQ(rows[1].label, "larson3");
    EXPECT_EQ(rows[2].label, "pair:size=64");
    EXPECT_EQ(rows[2].arguments.text("size"), "64");
}

TEST(Targets, AWorkloadOfASuiteIsNamedByItsLabel) {
    const auto suite = plan::gather(std::vector<std::string>{"quick/larson2"});
    ASSERT_TRUE(suite) << suite.error().line();
    EXPECT_EQ(suite->name, "quick/larson2");
    EXPECT_EQ(suite->idle_ms, plan::gather(std::vector<std::string>{"quick"})->idle_ms);
    const auto whole = rows_of({"quick"});
    const auto two = rows_of({"quick/pair:size=1M", "quick/larson2"});
    ASSERT_EQ(two.size(), 2U);
    for (const plan::Row& row : two) { // as the suite has it, and not as that name alone would be
        const auto same = std::find_if(whole.begin(), whole.end(),
                                       [&](const plan::Row& other) { return other.label == row.label; });
        ASSERT_NE(same, whole.end());
        EXPECT_EQ(row.arguments.values, same->arguments.values);
        EXPECT_EQ(row.threads, same->threads);
    }
}

TEST(Targets, AWorkloadOfASuiteFileIsNamedByItsLabel) {
    std::string folder = testing::TempDir() + "suite-XXXXXX";
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    const std::string file = folder + "/mine.toml";
    std::ofstream(file) << "[[workload]]\nuse = \"pair\"\nsize = [16, 32]\n";
    const auto rows = rows_of({file + "/pair:size=32"});
    std::filesystem::remove_all(folder);
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows.front().arguments.text("size"), "32");
}

TEST(Targets, AWorkloadThatTheSuiteDoesNotHaveIsAUsageErrorThatNamesThoseItHas) {
    const Error error = error_of({"quick/larson3"});
    EXPECT_EQ(error.status, Exit::usage);
    EXPECT_NE(error.what.find("larson3"), std::string::npos);
    EXPECT_NE(error.remedy.find("larson2"), std::string::npos);
    EXPECT_EQ(error_of({"nosuite/larson2"}).status, Exit::no_input);
}

TEST(Targets, UnknownWordsAreUsageErrorsWithARemedy) {
    const Error error = error_of({"larsn2"});
    EXPECT_EQ(error.status, Exit::usage);
    EXPECT_FALSE(error.remedy.empty());
}

TEST(Targets, MissingFilesAreNoInput) {
    EXPECT_EQ(error_of({"/nonexistent/suite.toml"}).status, Exit::no_input);
    EXPECT_EQ(error_of({"/nonexistent/trace.zip"}).status, Exit::no_input);
}

TEST(Targets, TheSameRowTwiceIsRefused) {
    EXPECT_EQ(error_of({"larson2", "larson2"}).status, Exit::data);
}

TEST(Targets, OutOfRangeParametersAreRefused) {
    EXPECT_EQ(error_of({"pair:size=-1"}).status, Exit::usage);
}

TEST(Targets, NoWordsIsAUsageError) {
    EXPECT_EQ(error_of({}).status, Exit::usage);
}

TEST(Targets, SystemIsAlwaysThereAndComesOnce) {
    const std::string names[] = {"system", "system"};
    const auto arms = plan::make_arms(names, false);
    ASSERT_TRUE(arms) << arms.error().line();
    ASSERT_EQ(arms->size(), 1U);
    EXPECT_FALSE(arms->front().allocator.preload);
}

TEST(Targets, UnknownAllocatorIsAnError) {
    const std::string names[] = {"jemaloc"};
    EXPECT_FALSE(plan::make_arms(names, false));
}
