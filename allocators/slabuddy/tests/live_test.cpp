// The board that shows a program's figures to who watches from outside.
#include "allocators/slabuddy/live.hpp"
#include "allocators/slabuddy/live_board.hpp"

#include "allocators/slabuddy/options.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <string_view>

namespace {

std::string_view text_of(const sb::LiveBoard& board) {
    return {board.text, board.text_bytes};
}

void append(sb::LiveBoard& board, std::string_view text) {
    sb::live_append(board, text.data(), text.size());
}

// The one that live_start() made, found as a watcher finds it.
sb::LiveBoard* own_board() {
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        if (line.find(sb::live_mapping_name) != std::string::npos) {
            return reinterpret_cast<sb::LiveBoard*>(std::stoull(line, nullptr, 16));
        }
    }
    return nullptr;
}

TEST(LiveBoard, KeepsWholeLinesWhereItIsTooSmall) {
    const auto board = std::make_unique<sb::LiveBoard>();
    const std::string line = std::string(99, 'x') + '\n';
    std::size_t lines = 0;
    for (; sizeof board->text - board->text_bytes >= line.size(); ++lines) {
        append(*board, line);
    }
    ASSERT_EQ(board->text_bytes, lines * line.size());
    append(*board, "begun, ");
    append(*board, line);
    append(*board, "late\n");
    const std::string_view text = text_of(*board);
    EXPECT_EQ(text.size(), sizeof board->text);
    EXPECT_EQ(static_cast<std::size_t>(std::count(text.begin(), text.end(), 'x')), lines * 99);
    EXPECT_EQ(text.find_first_not_of("x\n"), std::string_view::npos)
        << "nothing of what was begun or came late";
    EXPECT_EQ(text[lines * line.size()], '\n');
}

TEST(LiveBoard, TakesTextThatFillsItToTheLastByte) {
    const auto board = std::make_unique<sb::LiveBoard>();
    const std::string all = std::string(sizeof board->text - 1, 'y') + '\n';
    append(*board, all);
    EXPECT_EQ(text_of(*board), all);
    append(*board, "z\n");
    EXPECT_EQ(text_of(*board), all);
}

TEST(LiveBoard, AChildOfForkMendsAHalfWrittenOne) {
    char option[] = "SLABUDDY_OPTIONS=live";
    char* environment[] = {option, nullptr};
    sb::options_load(environment);
    sb::live_start();
    sb::LiveBoard* board = own_board();
    ASSERT_NE(board, nullptr);
    ASSERT_EQ(std::memcmp(board->magic, sb::live_magic, sizeof sb::live_magic), 0);
    sb::live_poll();
    EXPECT_EQ(board->version, 2U);
    EXPECT_EQ(text_of(*board).substr(0, 10), "slabinfo -");
    sb::live_poll();
    EXPECT_EQ(board->version, 2U) << "not twice within its period";

    sb::live_in_child();
    EXPECT_EQ(board->version, 2U) << "it was whole";
    EXPECT_GT(board->text_bytes, 0U);
    board->version = 3; // as fork() finds it while another thread writes
    sb::live_in_child();
    EXPECT_EQ(board->version, 4U);
    EXPECT_EQ(board->at_ms, 0U);
    EXPECT_EQ(board->text_bytes, 0U) << "half a text says nothing";
    sb::live_poll();
    EXPECT_EQ(board->version, 6U) << "the child writes its own at once";
    EXPECT_GT(board->text_bytes, 0U);
}

} // namespace
