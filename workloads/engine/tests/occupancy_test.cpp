#include "workloads/engine/heap.hpp"
#include "workloads/engine/occupancy.hpp"

#include <gtest/gtest.h>
#include <malloc.h>
#include <thread>
#include <vector>

using namespace faultline::engine;

namespace {

constexpr std::uint64_t page = 4096;

// A malloc of the test's own choosing: places and sizes. Occupancy asks malloc_usable_size of real blocks, so these
// are parts of one.
class Known {
  public:
    explicit Known(std::size_t bytes) : block_(static_cast<char*>(malloc(bytes))) {}
    ~Known() { free(block_); }
    Known(const Known&) = delete;
    Known& operator=(const Known&) = delete;
    void* get() const { return block_; }
    std::uint64_t usable() const { return malloc_usable_size(block_); }

  private:
    char* block_;
};

std::uint64_t pages_of(const void* block, std::size_t bytes) {
    const auto begin = reinterpret_cast<std::uintptr_t>(block);
    return ((begin + bytes - 1) / page - begin / page + 1) * page;
}

} // namespace

TEST(Occupancy, BlockOf17BytesIsRoundedUpByWhatTheAllocatorSays) {
    OccupancyBoard board{};
    const Occupancy occupancy(board);
    LatencyRecorder unrecorded;
    Heap heap(unrecorded);
    void* const block = heap.allocate(17);
    const OccupancySums one = board.sums();
    EXPECT_EQ(one.requested_bytes, 17U);
    EXPECT_EQ(one.usable_bytes, malloc_usable_size(block));
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    EXPECT_EQ(one.usable_bytes, 24U) << "glibc's chunk of 32 bytes, less its header";
    EXPECT_EQ(one.rounding_bytes, pages_of(block, 17) == pages_of(block, 24)
                                      ? 7U
                                      : page - (reinterpret_cast<std::uintptr_t>(block) + 17) % page);
#endif
    EXPECT_EQ(one.pages_bytes, pages_of(block, 17));
    heap.release(block, 17);
    EXPECT_EQ(board.sums().usable_bytes, 0U);
    EXPECT_EQ(board.sums().pages_bytes, 0U);
    EXPECT_EQ(occupancy.trouble_at_end(), "");
}

TEST(Occupancy, PageIsCountedOnceHoweverManyBlocksLieOnIt) {
    OccupancyBoard board{};
    Occupancy occupancy(board);
    const Known whole(16 * page);
    EXPECT_GT(board.sums().tables_bytes, 0U);
    // The same start twice is what an allocator never does; the pages do not mind.
    occupancy.made(Operation::malloc, whole.get(), 3 * page);
    const std::uint64_t first = board.sums().pages_bytes;
    EXPECT_EQ(first, pages_of(whole.get(), 3 * page));
    occupancy.made(Operation::malloc, whole.get(), 1);
    EXPECT_EQ(board.sums().pages_bytes, first);
    occupancy.gone(Operation::free, whole.get(), 3 * page);
    EXPECT_EQ(board.sums().pages_bytes, page) << "of the second block alone";
    occupancy.gone(Operation::free, whole.get(), 1);
    EXPECT_EQ(board.sums().pages_bytes, 0U);
}

TEST(Occupancy, RoundingBehindTheLastPageOfTheRequestIsNotOnPagesInUse) {
    OccupancyBoard board{};
    Occupancy occupancy(board);
    const Known whole(64 * page); // as a size class that is far larger than what is asked for
    occupancy.made(Operation::malloc, whole.get(), 100);
    const OccupancySums sums = board.sums();
    EXPECT_EQ(sums.usable_bytes, whole.usable());
    EXPECT_EQ(sums.pages_bytes, pages_of(whole.get(), 100));
    EXPECT_LT(sums.rounding_bytes, page);
    EXPECT_EQ(occupancy.trouble(), "");
}

TEST(Occupancy, ReallocMovesWhatIsCounted) {
    OccupancyBoard board{};
    const Occupancy occupancy(board);
    LatencyRecorder unrecorded;
    Heap heap(unrecorded);
    void* block = heap.allocate(100);
    block = heap.resize(block, 100, 100'000);
    EXPECT_EQ(board.sums().requested_bytes, 100'000U);
    EXPECT_EQ(board.sums().usable_bytes, malloc_usable_size(block));
    heap.release(block, 100'000);
    EXPECT_EQ(occupancy.trouble_at_end(), "");
}

TEST(Occupancy, SumsAreExactWhenThreadsFreeOneAnothersBlocks) {
    OccupancyBoard board{};
    const Occupancy occupancy(board);
    constexpr std::size_t blocks = 20'000;
    std::vector<void*> made(4 * blocks);
    const auto in_threads = [](auto work) {
        std::vector<std::thread> threads;
        for (std::size_t index = 0; index < 4; ++index)
            threads.emplace_back([=] {
                LatencyRecorder unrecorded;
                Heap heap(unrecorded);
                work(heap, index);
            });
        for (std::thread& thread : threads)
            thread.join();
    };
    in_threads([&](Heap& heap, std::size_t index) {
        for (std::size_t i = 0; i < blocks; ++i)
            made[index * blocks + i] = heap.allocate(i % 200 + 1);
    });
    std::uint64_t usable = 0;
    for (void* block : made)
        usable += malloc_usable_size(block);
    EXPECT_EQ(board.sums().requested_bytes, 4 * (blocks / 200) * (200 * 201 / 2));
    EXPECT_EQ(board.sums().usable_bytes, usable);
    EXPECT_EQ(occupancy.trouble(), "");
    in_threads([&](Heap& heap, std::size_t index) { // of the thread beside it
        for (std::size_t i = 0; i < blocks; ++i)
            heap.release(made[(index + 1) % 4 * blocks + i], i % 200 + 1);
    });
    EXPECT_EQ(occupancy.trouble_at_end(), "");
}

TEST(Occupancy, SaysWhenSizesCannotBeBelieved) {
    {
        OccupancyBoard board{};
        Occupancy occupancy(board);
        const Known small(10);
        occupancy.made(Operation::malloc, small.get(), 1000);
        EXPECT_NE(occupancy.trouble().find("smaller than was asked for"), std::string::npos);
    }
    {
        OccupancyBoard board{};
        Occupancy occupancy(board);
        const Known block(3000);
        for (int i = 0; i < 4; ++i) // four live blocks in the same place
            occupancy.made(Operation::malloc, block.get(), 3000);
        EXPECT_NE(occupancy.trouble().find("overlap"), std::string::npos);
    }
    {
        OccupancyBoard board{};
        Occupancy occupancy(board);
        const Known block(3000);
        occupancy.made(Operation::malloc, block.get(), 2000);
        occupancy.gone(Operation::free, block.get(), 2500);
        EXPECT_NE(occupancy.trouble_at_end().find("at free are not those at malloc"), std::string::npos);
    }
}

TEST(Occupancy, StandsInForTheListenerAndLeaves) {
    {
        OccupancyBoard board{};
        const Occupancy occupancy(board);
        EXPECT_EQ(Listener::standing(), &occupancy);
    }
    EXPECT_EQ(Listener::standing(), nullptr);
    LatencyRecorder unrecorded;
    EXPECT_FALSE(unrecorded.due());
}
