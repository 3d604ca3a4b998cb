#include "workloads/engine/arena.hpp"
#include "workloads/engine/clock.hpp"
#include "workloads/engine/nearest.hpp"
#include "workloads/engine/protocol.hpp"
#include "workloads/engine/team.hpp"
#include "workloads/engine/touch.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <thread>

using namespace faultline::engine;

TEST(Arena, ArraysAreZeroedAlignedAndApart) {
    Arena arena;
    const auto first = arena.array<std::uint64_t>(1000);
    const auto second = arena.array<char>(100'000);
    const auto third = arena.array<char>(1);
    EXPECT_TRUE(std::ranges::all_of(first, [](std::uint64_t word) { return word == 0; }));
    for (const void* at : {static_cast<const void*>(first.data()), static_cast<const void*>(second.data()),
                           static_cast<const void*>(third.data())})
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(at) % 64, 0U);
    std::ranges::fill(second, 'x');
    EXPECT_EQ(third[0], 0);
    EXPECT_EQ(first[999], 0U);
}

TEST(Arena, PagesAreResidentAndCountedUntilItEnds) {
    const std::uint64_t before = Arena::process_bytes();
    {
        Arena arena;
        const auto bytes = arena.array<char>(1 << 20);
        EXPECT_GE(Arena::process_bytes() - before, bytes.size());
        EXPECT_LE(Arena::process_bytes() - before, bytes.size() + 8192);
        std::array<unsigned char, 256> resident{};
        void* first_page = bytes.data() - reinterpret_cast<std::uintptr_t>(bytes.data()) % 4096;
        ASSERT_EQ(mincore(first_page, 1 << 20, resident.data()), 0);
        EXPECT_TRUE(std::ranges::all_of(resident, [](unsigned char page) { return (page & 1) != 0; }));
    }
    EXPECT_EQ(Arena::process_bytes(), before);
}

TEST(ArenaDeathTest, ATableThatCannotBeEndsTheWorkerWithOneLine) {
    Arena arena;
    EXPECT_EXIT(arena.array<std::uint64_t>(SIZE_MAX / 16), testing::ExitedWithCode(71),
                "^faultline-worker: [^\n]*\n$");
}

TEST(Touch, CookieComesBackFromEverySize) {
    for (const Touch how : {Touch::page, Touch::all})
        for (const std::size_t bytes : {1U, 2U, 7U, 8U, 9U, 4096U, 4097U, 20'000U}) {
            void* block = std::calloc(1, bytes);
            const std::uint64_t cookie = mix64(bytes);
            touch(block, bytes, cookie, how);
            EXPECT_EQ(check(block, bytes, cookie, how), cookie_that_fits(bytes, cookie)) << bytes;
            std::free(block);
        }
}

TEST(Touch, NoneNeitherWritesNorReads) {
    touch(nullptr, 64, 1, Touch::none);
    EXPECT_EQ(check(nullptr, 64, 1, Touch::none), 0U);
}

TEST(TouchDeathTest, ABlockWrittenOverEndsTheWorker) {
    std::array<char, 20'000> block{};
    touch(block.data(), block.size(), 77, Touch::page);
    block[0] ^= 1;
    EXPECT_EXIT(check(block.data(), block.size(), 77, Touch::page), testing::ExitedWithCode(worker_corrupt),
                "^faultline-worker: the block at [^\n]*\n$");
    block[0] ^= 1;
    block[16'384] ^= 1; // first byte of the last page
    EXPECT_EXIT(check(block.data(), block.size(), 77, Touch::page), testing::ExitedWithCode(worker_corrupt),
                "");
}

TEST(Team, RunsEveryIndexOnceInEachRoundAtTheSameTime) {
    Arena arena;
    Team team;
    team.prepare(arena, 4);
    team.start();
    std::array<std::atomic<int>, 4> runs{};
    std::atomic<int> inside{0};
    for (int round = 1; round <= 50; ++round) {
        inside = 0;
        team.run([&](unsigned index) {
            ++runs.at(index);
            ++inside;
            while (inside < 4) // ends only when all four are here
                std::this_thread::yield();
        });
        for (const auto& count : runs)
            ASSERT_EQ(count, round);
    }
    team.join();
}

TEST(Team, CanStartAgainAfterJoin) {
    Arena arena;
    Team team;
    team.prepare(arena, 2);
    std::atomic<int> runs{0};
    for (int life = 0; life < 3; ++life) {
        team.start();
        team.run([&](unsigned /*index*/) { ++runs; });
        team.join();
    }
    EXPECT_EQ(runs, 6);
}

TEST(Ticks, AgreeWithTheClock) {
    Ticks::calibrate();
    const std::uint64_t clock_begin = monotonic_ns();
    const std::uint64_t ticks_begin = Ticks::begin();
    while (monotonic_ns() - clock_begin < 20'000'000) {
    }
    const std::uint64_t ticks_ns = Ticks::to_ns(Ticks::end() - ticks_begin);
    const std::uint64_t clock_ns = monotonic_ns() - clock_begin;
    // The two intervals lie inside each other but for a preemption at an end, so only a wrong scale is this
    // far off.
    EXPECT_LE(ticks_ns, clock_ns + clock_ns / 20);
    EXPECT_GE(ticks_ns, 20'000'000 - 20'000'000 / 20);
}

TEST(Nearest, FindsTheOneThatWasMeant) {
    constexpr std::string_view known[] = {"pair", "larsonN", "larson-sizedN", "mstressN"};
    EXPECT_EQ(nearest("larsn2", known), "larsonN");
    EXPECT_EQ(nearest("par", known), "pair");
    EXPECT_EQ(nearest("zzzzzzzz", known), "");
    EXPECT_EQ(nearest("", known), "");
    EXPECT_EQ(nearest("pair", {}), "");
}
