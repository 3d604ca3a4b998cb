#include "workloads/engine/census.hpp"
#include "workloads/engine/heap.hpp"

#include <gtest/gtest.h>
#include <numeric>
#include <thread>

using namespace faultline::engine;

namespace {

std::uint64_t calls(const Census& census, Operation operation) {
    return census.figures().calls[static_cast<std::size_t>(operation)];
}

} // namespace

TEST(Census, CountsSizesLifetimesAndForeignFrees) {
    Census census(1000);
    LatencyRecorder unrecorded;
    Heap heap(unrecorded);
    void* const before = heap.allocate(100);
    census.begin_measure();
    void* const first = heap.allocate(24);
    void* const second = heap.allocate_zeroed(3, 11);
    heap.release(first, 24);
    std::thread([&] {
        LatencyRecorder other_recorder;
        Heap other(other_recorder);
        other.release(second, 33);
    }).join();
    void* const grown = heap.resize(heap.allocate(8), 8, 64);
    heap.release(before, 100);
    census.end_measure();
    heap.release(grown, 64);

    const Census::Figures& figures = census.figures();
    EXPECT_EQ(calls(census, Operation::malloc), 2U) << "what warm-up made is known, not counted";
    EXPECT_EQ(calls(census, Operation::calloc), 1U);
    EXPECT_EQ(calls(census, Operation::realloc), 1U);
    EXPECT_EQ(calls(census, Operation::free), 3U);
    EXPECT_EQ(figures.blocks_by_size[5], 1U); // 24
    EXPECT_EQ(figures.blocks_by_size[6], 2U); // 33, 64
    EXPECT_EQ(figures.bytes_by_size[6], 97U);
    EXPECT_EQ(figures.blocks_by_size[3], 1U); // 8
    EXPECT_EQ(figures.frees, 4U);
    EXPECT_EQ(figures.frees_by_others, 1U);
    EXPECT_EQ(figures.to_the_end, 1U);
    EXPECT_EQ(figures.blocks_by_lifetime[0], 2U); // 33 and 8: freed before another allocation
    EXPECT_EQ(figures.blocks_by_lifetime[1], 1U); // 24
    EXPECT_EQ(figures.blocks_by_lifetime[3], 1U); // 100: five allocations, itself among them
    EXPECT_EQ(figures.peak_live_blocks, 3U);
    EXPECT_EQ(figures.peak_live_bytes, 164U);
    EXPECT_FALSE(figures.cut_short);
}

TEST(Census, StopsListeningWhenItHasEnough) {
    Census census(2);
    LatencyRecorder unrecorded;
    Heap heap(unrecorded);
    census.begin_measure();
    for (int i = 0; i < 5; ++i)
        heap.release(heap.allocate(16), 16);
    census.end_measure();
    EXPECT_EQ(calls(census, Operation::malloc), 2U);
    EXPECT_TRUE(census.figures().cut_short);
}

TEST(Census, LeavesNothingBehind) {
    { const Census census(10); }
    LatencyRecorder unrecorded;
    EXPECT_FALSE(unrecorded.due());
    EXPECT_EQ(Listener::standing(), nullptr);
}
