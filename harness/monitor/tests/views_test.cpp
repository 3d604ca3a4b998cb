#include "harness/monitor/views.hpp"

#include "harness/monitor/lines.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace faultline::monitor;
using faultline::probes::Kind;

namespace {

Frame frame_with(std::map<std::string, Figure, std::less<>> before,
                 std::map<std::string, Figure, std::less<>> now) {
    Sample first;
    first.at_ns = 1'000'000'000;
    first.figures = std::move(before);
    Sample second;
    second.at_ns = 2'000'000'000;
    second.figures = std::move(now);
    second.processes = 2;
    second.threads = 9;
    return {first, second};
}

Frame busy_frame() {
    return frame_with({{"faults_anonymous", {Kind::counter, 0}}, {"user_ns", {Kind::counter, 0}}},
                      {{"faults_anonymous", {Kind::counter, 12'345}},
                       {"user_ns", {Kind::counter, 500'000'000}},
                       {"rss_bytes", {Kind::gauge, 3 << 20}},
                       {"faults_swap", {Kind::counter, std::nullopt}}});
}

Surroundings around_of(std::string title) {
    Surroundings around;
    around.title = std::move(title);
    around.pid = 42;
    return around;
}

std::string joined(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) {
        text += line + "\n";
    }
    return text;
}

} // namespace

TEST(Views, EveryViewFillsExactlyEverySizeOfScreen) {
    const Frame frame = busy_frame();
    const Surroundings around = around_of(std::string(300, 'x'));
    for (const View view : all_views) {
        for (const auto& [rows, columns] :
             {std::pair{24U, 80U}, {50U, 200U}, {10U, 40U}, {3U, 10U}, {1U, 1U}, {0U, 0U}}) {
            for (const std::size_t scroll : {0U, 5U, 1000U}) {
                const auto lines = screen(frame, view, around, rows, columns, scroll);
                EXPECT_EQ(lines.size(), rows) << name_of(view) << rows << "x" << columns;
                EXPECT_TRUE(
                    std::all_of(lines.begin(), lines.end(),
                                [columns = columns](const auto& line) { return line.size() <= columns; }))
                    << name_of(view) << rows << "x" << columns;
            }
        }
    }
}

TEST(Views, FiguresAreShownAndWhatIsNotKnownIsADashAndNoZero) {
    const std::string text = joined(screen(busy_frame(), View::overview, around_of("app"), 50, 80, 0));
    EXPECT_NE(text.find("1 overview  2 proc 9 thr  every 1 s  pid 42  app"), std::string::npos) << text;
    EXPECT_NE(text.find("anonymous                        12.3k"), std::string::npos) << text;
    EXPECT_NE(text.find("resident                            3M"), std::string::npos) << text;
    EXPECT_NE(text.find("user                            50.0 %"), std::string::npos) << text;
    EXPECT_NE(text.find("swap                                 -"), std::string::npos) << text;
}

TEST(Views, SmallScreensSayHowMuchTheyHideAndScrollingShowsIt) {
    const auto top = screen(busy_frame(), View::overview, around_of("app"), 10, 40, 0);
    EXPECT_NE(top.back().find(" more: down"), std::string::npos) << top.back();
    EXPECT_EQ(joined(top).find("faults /s"), std::string::npos);
    const auto below = screen(busy_frame(), View::overview, around_of("app"), 10, 40, 13);
    EXPECT_NE(joined(below).find("faults /s"), std::string::npos) << joined(below);
}

TEST(Views, SlabuddysOwnFiguresAreShownAndElseHowToGetThem) {
    Surroundings around = around_of("app");
    around.allocator = "libslabuddy.so";
    EXPECT_NE(screen(busy_frame(), View::slab, around, 24, 80, 0)[1].find("SLABUDDY_OPTIONS=live"),
              std::string::npos);
    Sample sample;
    sample.slabuddy =
        SlabuddyFigures{7, 0.3, 65536, {{"kmalloc-64", 5000, 5120, 64, 327680}}, {{"Slab", {3, 0, 12}}}};
    const Frame frame({}, sample);
    const std::string text = joined(screen(frame, View::slab, around, 24, 80, 0));
    EXPECT_NE(text.find("slabuddy in process 7, as of 0.3 s ago"), std::string::npos) << text;
    EXPECT_NE(text.find("kmalloc-64            5k   5.1k   320k"), std::string::npos) << text;
    EXPECT_NE(text.find("256k                                12"), std::string::npos) << text;
    const auto json = nlohmann::json::parse(json_line(frame, "now"));
    EXPECT_EQ(json["slabuddy"]["caches"]["kmalloc-64"]["slab_bytes"], 327680);
    EXPECT_EQ(json["slabuddy"]["free_blocks"]["Slab"][2], 12);
}

TEST(Views, BatchLinesStandUnderTheirHeadings) {
    const auto heading = batch_heading();
    const std::string line = batch_line(busy_frame());
    ASSERT_EQ(heading.size(), 2U);
    EXPECT_EQ(heading[0].size(), heading[1].size());
    EXPECT_EQ(line.size(), heading[1].size());
    EXPECT_EQ(line.substr(0, 6), "    3M");
    EXPECT_NE(line.find("12.3k"), std::string::npos) << line;
}

TEST(Views, JsonHasNullForWhatIsNotKnown) {
    const auto json = nlohmann::json::parse(json_line(busy_frame(), "2026-01-31T23:59:59Z"));
    EXPECT_EQ(json["rates_per_s"]["faults_anonymous"], 12345);
    EXPECT_TRUE(json["rates_per_s"]["faults_swap"].is_null());
    EXPECT_EQ(json["values"]["rss_bytes"], 3 << 20);
    EXPECT_EQ(json["interval_s"], 1);
    EXPECT_EQ(json["threads"], 9);
}
