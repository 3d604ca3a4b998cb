#include "harness/plan/suite.hpp"

#include <gtest/gtest.h>

using faultline::Exit;
using faultline::plan::parse_suite;

namespace {

std::string error_of(std::string_view toml) {
    const auto suite = parse_suite(toml, "s.toml");
    return suite ? "" : suite.error().line();
}

} // namespace

TEST(Suite, ReadsSettingsAndExpandsLists) {
    const auto suite = parse_suite(
        "summary = \"x\"\nrounds = 7\nallocators = [\"system\", \"a=b.so\"]\n"
        "[[workload]]\nuse = \"pair\"\nsize = [16, 64]\norder = [\"lifo\", \"fifo\"]\ncount = 5\n",
        "dir/s.toml");
    ASSERT_TRUE(suite) << suite.error().line();
    EXPECT_EQ(suite->name, "s");
    EXPECT_EQ(suite->rounds, 7U);
    EXPECT_EQ(suite->directory, "dir");
    ASSERT_EQ(suite->rows.size(), 4U);
    EXPECT_EQ(suite->rows[0].parameters.at("size"), "16");
    EXPECT_EQ(suite->rows[0].parameters.at("count"), "5");
    EXPECT_EQ(suite->rows[0].shown, (std::vector<std::string>{"order=lifo", "size=16"}));
    EXPECT_EQ(suite->rows[3].shown, (std::vector<std::string>{"order=fifo", "size=64"}));
    EXPECT_EQ(suite->rows[2].where, "dir/s.toml:4");
}

TEST(Suite, EveryMistakeNamesItsLine) {
    const std::string good = "[[workload]]\nuse = \"pair\"\n";
    EXPECT_EQ(error_of("rounds = 0\n" + good).substr(0, 9), "s.toml:1:");
    EXPECT_EQ(error_of("rounds = -3\n" + good).substr(0, 9), "s.toml:1:");
    EXPECT_EQ(error_of("\nround = 3\n" + good).substr(0, 9), "s.toml:2:");
    EXPECT_EQ(error_of("allocators = \"system\"\n" + good).substr(0, 9), "s.toml:1:");
    EXPECT_EQ(error_of("[[workload]]\nsize = 3\n").substr(0, 9), "s.toml:1:");
    EXPECT_EQ(error_of("[[workload]]\nuse = \"pair\"\nsize = 1.5\n").substr(0, 9), "s.toml:3:");
    EXPECT_EQ(error_of("[[workload]]\nuse = \"pair\"\nsize = []\n").substr(0, 9), "s.toml:3:");
    EXPECT_EQ(error_of("[[workload]\nuse = \"pair\"\n").substr(0, 9), "s.toml:1:");
    EXPECT_EQ(error_of("[workload]\nuse = \"pair\"\n").substr(0, 9), "s.toml:1:");
    EXPECT_EQ(error_of("[[workload]]\nuse = \"pair\"\nlabel = \"x\"\nsize = [1, 2]\n").substr(0, 9),
              "s.toml:1:");
}

TEST(Suite, NoWorkloadsAndNotUtf8AreDataErrors) {
    EXPECT_EQ(parse_suite("", "s.toml").error().status, Exit::data);
    EXPECT_EQ(parse_suite("summary = \"\xff\xfe\"\n", "s.toml").error().status, Exit::data);
}

TEST(Suite, MissingFileIsNoInput) {
    EXPECT_EQ(faultline::plan::load_suite("/nonexistent.toml").error().status, Exit::no_input);
}
