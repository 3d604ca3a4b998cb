// Large blocks, areas, and giving back.
#include "allocators/slabuddy/area.hpp"
#include "allocators/slabuddy/buddy.hpp"
#include "allocators/slabuddy/check.hpp"
#include "allocators/slabuddy/config.hpp"
#include "allocators/slabuddy/heap.hpp"
#include "allocators/slabuddy/large.hpp"
#include "allocators/slabuddy/options.hpp"
#include "allocators/slabuddy/os.hpp"
#include "allocators/slabuddy/purge.hpp"

#include <cstring>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <vector>

namespace {

constexpr size_t mebibyte = size_t{1} << 20;

bool is_zero(const void* block, size_t bytes) {
    const auto* at = static_cast<const char*>(block);
    return at[0] == 0 && memcmp(at, at + 1, bytes - 1) == 0;
}

bool is_mapped(void* at) {
    unsigned char resident = 0;
    auto* page = reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(at) & ~uintptr_t{4095});
    return mincore(page, 1, &resident) == 0;
}

TEST(Large, SizesRoundToPagesAndAlignmentsAreKept) {
    for (const size_t size :
         {40000UL, 65536UL, 65537UL, mebibyte, 15 * mebibyte + 5, 16 * mebibyte, 17 * mebibyte}) {
        for (size_t alignment = 16; alignment <= 64 * mebibyte; alignment *= 16) {
            void* block = sb::large_allocate(size, alignment, false);
            ASSERT_NE(block, nullptr);
            ASSERT_EQ(reinterpret_cast<uintptr_t>(block) % alignment, 0U) << size << " " << alignment;
            ASSERT_GE(sb::large_usable_size(block), size);
            ASSERT_LT(sb::large_usable_size(block), size + sb::page_bytes);
            static_cast<char*>(block)[size - 1] = 1;
            EXPECT_STREQ(sb::check_all(), nullptr);
            ASSERT_TRUE(sb::large_free(block));
            ASSERT_FALSE(sb::large_free(block));
        }
    }
    EXPECT_STREQ(sb::check_all(), nullptr);
    EXPECT_EQ(sb::buddy_figures().large_pages, 0U);
}

TEST(Large, ZeroedBlocksAreZeroWhateverWasThere) {
    for (const size_t size : {100000UL, 3 * mebibyte, 20 * mebibyte}) {
        for (int round = 0; round < 3; ++round) {
            void* block = sb::large_allocate(size, 16, true);
            ASSERT_TRUE(is_zero(block, size)) << size << " round " << round;
            memset(block, 0xff, sb::large_usable_size(block));
            sb::large_free(block);
        }
    }
}

TEST(Large, ResizeShrinksInPlaceAndGrowsIntoFreePages) {
    auto* block = static_cast<char*>(sb::large_allocate(mebibyte, 16, false));
    memset(block, 7, mebibyte);
    EXPECT_EQ(sb::large_resize(block, 100000), block);
    EXPECT_EQ(sb::large_usable_size(block), 2 * sb::page_bytes);
    EXPECT_STREQ(sb::check_all(), nullptr);
    EXPECT_EQ(sb::large_resize(block, mebibyte), block) << "the pages behind it are free again";
    EXPECT_EQ(block[99999], 7);
    EXPECT_STREQ(sb::check_all(), nullptr);
    EXPECT_EQ(sb::large_resize(block, 20 * mebibyte), nullptr) << "an area is another kind of block";
    sb::large_free(block);
}

TEST(Area, ResizeKeepsTheContentAndTheGuard) {
    auto* block = static_cast<char*>(sb::area_allocate(20 * mebibyte, 16, false));
    block[0] = 1;
    block[20 * mebibyte - 1] = 2;
    auto* grown = static_cast<char*>(sb::area_resize(block, 40 * mebibyte));
    ASSERT_NE(grown, nullptr);
    EXPECT_EQ(grown[0], 1);
    EXPECT_EQ(grown[20 * mebibyte - 1], 2);
    EXPECT_EQ(grown[40 * mebibyte - 1], 0);
    auto* shrunk = static_cast<char*>(sb::area_resize(grown, 18 * mebibyte));
    ASSERT_EQ(shrunk, grown);
    EXPECT_EQ(sb::area_size(shrunk), 18 * mebibyte);
    EXPECT_FALSE(is_mapped(shrunk + 19 * mebibyte));
    EXPECT_DEATH(static_cast<volatile char*>(shrunk)[18 * mebibyte] = 1, "");
    EXPECT_TRUE(sb::area_free(shrunk));
    EXPECT_STREQ(sb::check_all(), nullptr);
}

TEST(Area, FreedOnesAreUsedAgainAndPurgeUnmapsThem) {
    void* block = sb::area_allocate(20 * mebibyte, 16, false);
    sb::area_free(block);
    EXPECT_EQ(sb::area_figures().cached, 1U);
    EXPECT_EQ(sb::area_size(block), 0U);
    EXPECT_FALSE(sb::area_free(block));
    EXPECT_EQ(sb::area_allocate(19 * mebibyte, 16, false), block) << "within an eighth";
    sb::area_free(block);
    void* other = sb::area_allocate(60 * mebibyte, 16, false);
    sb::area_free(other);
    EXPECT_LE(sb::area_figures().cached_bytes, sb::area_cache_bytes);
    EXPECT_GE(sb::area_purge(UINT64_MAX), 60 * mebibyte);
    EXPECT_EQ(sb::area_figures().cached, 0U);
    EXPECT_FALSE(is_mapped(other));
}

TEST(Area, ACachedOneIsCutOrExtendedToFit) {
    auto* block = static_cast<char*>(sb::area_allocate(20 * mebibyte, 16, false));
    memset(block, 1, 20 * mebibyte);
    sb::area_free(block);
    auto* cut = static_cast<char*>(sb::area_allocate(6 * mebibyte, 16, false));
    EXPECT_EQ(cut, block);
    EXPECT_EQ(cut[6 * mebibyte - 1], 1) << "memory that was there";
    EXPECT_DEATH(static_cast<volatile char*>(cut)[6 * mebibyte] = 1, "");
    EXPECT_EQ(sb::area_figures().cached, 1U);
    auto* extended = static_cast<char*>(sb::area_allocate(30 * mebibyte, 16, false));
    EXPECT_EQ(extended[0], 1) << "the rest of what was cut";
    EXPECT_EQ(extended[30 * mebibyte - 1], 0);
    EXPECT_EQ(sb::area_size(extended), 30 * mebibyte);
    EXPECT_EQ(sb::area_figures().cached, 0U);
    sb::area_free(extended);
    auto* zeroed = static_cast<char*>(sb::area_allocate(30 * mebibyte, 16, true));
    EXPECT_EQ(zeroed[0], 0);
    EXPECT_TRUE(sb::area_free(zeroed));
    EXPECT_TRUE(sb::area_free(cut));
    EXPECT_STREQ(sb::check_all(), nullptr);
    sb::area_purge(UINT64_MAX);
}

TEST(Area, TheTableGrowsWithManyAreas) {
    std::vector<void*> blocks;
    for (int i = 0; i < 1000; ++i) {
        blocks.push_back(sb::area_allocate(4096, 16, false));
        ASSERT_NE(blocks.back(), nullptr);
    }
    EXPECT_EQ(sb::area_figures().live, 1000U);
    for (int round = 0; round < 3; ++round) {
        for (void*& block : blocks) {
            ASSERT_EQ(sb::area_size(block), 4096U);
            ASSERT_TRUE(sb::area_free(block));
            block = sb::area_allocate(4096, 16, false);
        }
    }
    for (void* block : blocks) {
        ASSERT_TRUE(sb::area_free(block));
    }
    EXPECT_STREQ(sb::check_all(), nullptr);
    EXPECT_EQ(sb::area_figures().live, 0U);
}

TEST(Purge, AllGivesBackWhatIsFree) {
    std::vector<void*> blocks;
    for (int i = 0; i < 2000; ++i) {
        blocks.push_back(sb::allocate(static_cast<size_t>(i) * 31 % 9000));
        memset(blocks.back(), 1, 1);
    }
    void* large = sb::allocate(10 * mebibyte);
    memset(large, 1, 10 * mebibyte);
    for (void* block : blocks) {
        sb::release(block);
    }
    sb::release(large);
    EXPECT_GE(sb::purge_all(), 10 * mebibyte);
    EXPECT_EQ(sb::buddy_figures().dirty_pages, 0U);
    EXPECT_EQ(sb::buddy_figures().free_pages, sb::buddy_figures().committed_pages);
    EXPECT_STREQ(sb::check_all(), nullptr);
}

TEST(Purge, ALookThatMayDoNothingDoesNotAnswerForTheGrowth) {
    ASSERT_NE(sb::large_allocate_pages(1, 0, 0), nullptr); // the first commit, with pages to spare
    EXPECT_FALSE(sb::buddy_took_clean()) << "its own look has answered";
    {
        const sb::OsRefusal refusal;
        ASSERT_NE(sb::large_allocate_pages(1, 0, 0), nullptr);
    }
    EXPECT_TRUE(sb::buddy_took_clean());
}

TEST(Purge, AtOnceAndNeverAreKept) {
    sb::option_set(sb::Option::purge_ms, 0);
    void* large = sb::allocate(mebibyte);
    memset(large, 1, mebibyte);
    sb::release(large);
    EXPECT_EQ(sb::buddy_figures().dirty_pages, 0U);
    sb::option_set(sb::Option::purge_ms, sb::purge_never);
    large = sb::allocate(mebibyte);
    sb::release(large);
    sb::purge_poll();
    EXPECT_EQ(sb::buddy_figures().dirty_pages, mebibyte / sb::page_bytes);
}

} // namespace
