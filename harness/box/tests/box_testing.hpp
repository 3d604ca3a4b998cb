// What the tests of the box share: the host's state, and a process that needs memory.
#pragma once

#include "base/file.hpp"
#include "harness/box/box.hpp"
#include "harness/box/group.hpp"

#include <chrono>
#include <filesystem>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace faultline::box::testing {

inline constexpr std::uint64_t mib = std::uint64_t{1} << 20;

// What must be as before when a box is gone.
struct HostState {
    std::string swaps = read_file("/proc/swaps").value_or("");
    std::string zram = read_file("/sys/block/zram0/disksize").value_or("");
    std::string huge_pages = read_file("/sys/kernel/mm/transparent_hugepage/enabled").value_or("");
    bool operator==(const HostState&) const = default;
};

class BoxTest : public ::testing::Test {
  protected:
    void SetUp() override {
        if (::geteuid() != 0) {
            GTEST_SKIP() << "SKIPPED: a pressure box needs root";
        }
        if (auto hierarchy = find_hierarchy(); !hierarchy) {
            GTEST_SKIP() << "SKIPPED: " << hierarchy.error().line();
        }
    }
};

// Touches `bytes` of memory inside the cell, several times over; 0 when it lived through it.
inline int wait_for_toucher(Cell& cell, std::uint64_t bytes) {
    int gate[2];
    if (::pipe(gate) != 0) {
        return -1;
    }
    const pid_t pid = ::fork();
    if (pid == 0) {
        char byte = 0;
        ::close(gate[1]);
        (void)!::read(gate[0], &byte, 1);
        void* area = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        for (int pass = 1; pass <= 3; ++pass) {
            for (std::uint64_t at = 0; at < bytes; at += 4096) {
                static_cast<volatile char*>(area)[at] = static_cast<char>(pass);
                static_cast<volatile char*>(area)[at + 8] = static_cast<char>(at >> 12);
            }
        }
        ::_exit(0);
    }
    EXPECT_TRUE(cell.take_in(pid));
    ::close(gate[0]);
    ::close(gate[1]);
    int status = -1;
    ::waitpid(pid, &status, 0);
    return status;
}

inline bool goes_away(const std::filesystem::path& path) {
    for (int tries = 0; std::filesystem::exists(path) && tries < 6000; ++tries) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return !std::filesystem::exists(path);
}

} // namespace faultline::box::testing
