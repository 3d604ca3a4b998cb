// The buddy and the per-CPU lists above it. Each case runs in a process of its own, so the zone is fresh.
#include "allocators/slabuddy/buddy.hpp"
#include "allocators/slabuddy/os.hpp"
#include "allocators/slabuddy/pcp.hpp"
#include "allocators/slabuddy/regret.hpp"
#include "allocators/slabuddy/zone.hpp"

#include <cstring>
#include <gtest/gtest.h>
#include <random>
#include <vector>

namespace {

using sb::Mobility;
using sb::PageIndex;
using sb::PageState;

PageIndex allocate(uint32_t pages, unsigned align_order = 0, Mobility mobility = Mobility::large) {
    return sb::buddy_allocate(pages, align_order, mobility, PageState::large);
}

uint32_t free_pages() {
    return sb::buddy_figures().free_pages;
}

// Threads look at the clock before they have the lock: one may come with an earlier time than the last.
TEST(Regret, AnEarlierTimeForgetsNothing) {
    sb::Regret regret(4, 64);
    regret.given_back(8, 10000);
    EXPECT_EQ(regret.allowed(9999), 4U);
    EXPECT_TRUE(regret.may_miss());
    regret.taken(2, 9999);
    EXPECT_EQ(regret.allowed(10000), 6U) << "two were taken again";
    EXPECT_EQ(regret.allowed(10000 + sb::regret_ms + 1), 4U);
    EXPECT_FALSE(regret.may_miss());
}

TEST(Buddy, BlocksAreAlignedToTheirOrder) {
    for (unsigned order = 0; order <= sb::max_order; ++order) {
        const PageIndex page = allocate(1U << order, order);
        ASSERT_NE(page, sb::no_page);
        EXPECT_EQ(page % (1U << order), 0U);
        EXPECT_EQ(sb::page_address(page) % (sb::page_bytes << order), 0U);
        memset(reinterpret_cast<void*>(sb::page_address(page)), 1, sb::page_bytes);
    }
    EXPECT_EQ(sb::buddy_check(), nullptr);
}

TEST(Buddy, MoreThanTheLargestOrderIsRefused) {
    EXPECT_EQ(allocate((1U << sb::max_order) + 1), sb::no_page);
    EXPECT_EQ(allocate(1, sb::max_order + 1), sb::no_page);
}

TEST(Buddy, TailsComeBackAndEverythingMergesAgain) {
    const PageIndex first = allocate(1);
    const uint32_t before = free_pages();
    std::vector<std::pair<PageIndex, uint32_t>> blocks;
    for (const uint32_t pages : {3U, 5U, 7U, 1U, 2U, 6U}) {
        blocks.emplace_back(allocate(pages), pages);
        ASSERT_NE(blocks.back().first, sb::no_page);
    }
    EXPECT_EQ(sb::buddy_check(), nullptr);
    const uint32_t grown = sb::zone.pages.load() - before - 1;
    EXPECT_EQ(free_pages(),
              before + grown - 24); // 24 pages in use besides `first`, not 34 of whole powers of two
    for (const auto& [page, pages] : blocks) {
        sb::buddy_free(page, pages, true);
        EXPECT_EQ(sb::buddy_check(), nullptr);
    }
    sb::buddy_free(first, 1, true);
    EXPECT_EQ(free_pages(), sb::zone.pages.load());
    EXPECT_EQ(sb::buddy_check(), nullptr);
}

TEST(Buddy, AbsorbTakesFreePagesBehindABlockOrNothing) {
    const PageIndex whole = allocate(16, 4);
    sb::buddy_free(whole + 2, 14, true);
    sb::zone.mem_map[whole].count = 2;
    ASSERT_TRUE(sb::buddy_absorb(whole, 2, 9));
    EXPECT_EQ(sb::buddy_check(), nullptr);
    const PageIndex behind = whole + 9;
    EXPECT_EQ(sb::zone.mem_map[behind].state.load(), PageState::free);
    // A block in the way: nothing changes.
    const uint32_t before = free_pages();
    sb::buddy_free(whole, 9, true);
    const PageIndex small = allocate(1);
    const PageIndex neighbour = allocate(1);
    ASSERT_EQ(neighbour, small + 1);
    EXPECT_FALSE(sb::buddy_absorb(small, 1, 2));
    EXPECT_EQ(free_pages(), before + 9 - 2);
    EXPECT_EQ(sb::buddy_check(), nullptr);
}

TEST(Buddy, FreshPagesAreZeroAndKnownToBe) {
    const PageIndex page = allocate(4);
    for (uint32_t i = 0; i < 4; ++i) {
        EXPECT_EQ(sb::zone.dirty[page + i], 0);
    }
    memset(reinterpret_cast<void*>(sb::page_address(page)), 0xff, 4 * sb::page_bytes);
    sb::buddy_free(page, 4, true);
    const PageIndex again = allocate(4);
    EXPECT_EQ(again, page) << "dirty blocks are used first";
    EXPECT_EQ(sb::zone.dirty[again], 1);
}

TEST(Buddy, PurgeMakesOldDirtyBlocksZeroAgain) {
    const PageIndex page = allocate(8);
    auto* bytes = reinterpret_cast<unsigned char*>(sb::page_address(page));
    memset(bytes, 0xff, 8 * sb::page_bytes);
    sb::buddy_free(page, 8, true);
    EXPECT_EQ(sb::buddy_figures().dirty_pages, 8U);
    EXPECT_EQ(sb::buddy_purge(sb::os_now_ms() - 1000), 0U) << "too young";
    EXPECT_LE(sb::buddy_oldest_dirty_ms(), sb::os_now_ms());
    EXPECT_GE(sb::buddy_purge(UINT64_MAX), 8U);
    EXPECT_EQ(sb::buddy_figures().dirty_pages, 0U);
    EXPECT_EQ(sb::buddy_oldest_dirty_ms(), UINT64_MAX);
    EXPECT_EQ(bytes[0], 0);
    EXPECT_EQ(bytes[8 * sb::page_bytes - 1], 0);
    EXPECT_EQ(sb::buddy_check(), nullptr);
}

// One spike and then peace: hardly anything stays. Spike upon spike: soon all of it does.
TEST(Buddy, TrimmingLearnsHowMuchASpikyProgramTakesAgain) {
    constexpr uint32_t pages = 4 * sb::least_dirty_pages;
    uint32_t given = 0;
    for (int spike = 0; spike < 8; ++spike) {
        const PageIndex page = allocate(pages);
        ASSERT_NE(page, sb::no_page);
        sb::buddy_free(page, pages, true);
        given = sb::buddy_trim();
        if (spike == 0) {
            EXPECT_GE(given, pages - sb::least_dirty_pages);
        }
        ASSERT_STREQ(sb::buddy_check(), nullptr);
    }
    EXPECT_EQ(given, 0U);
    EXPECT_EQ(sb::buddy_figures().dirty_pages, pages);
}

// Blocks of a kind that nobody asks for any more, below the peak and at it.
TEST(Buddy, TrimsWhatWouldMakeTheHeapLargerThanItsPeak) {
    constexpr uint32_t all = 8 * sb::peak_slack_pages;
    const PageIndex page = allocate(all);
    ASSERT_NE(page, sb::no_page);
    constexpr uint32_t left = all - 3 * sb::peak_slack_pages;
    sb::buddy_shrink(page, all, left);
    EXPECT_EQ(sb::buddy_trim(), 0U) << "the heap breathes";
    const PageIndex larger = allocate(all);
    ASSERT_NE(larger, sb::no_page) << "clean pages, for what is dirty is too small";
    EXPECT_GE(sb::buddy_trim(), 2 * sb::peak_slack_pages);
    EXPECT_LE(sb::buddy_figures().dirty_pages, sb::peak_slack_pages);
    sb::buddy_free(larger, all, true);
    EXPECT_EQ(sb::buddy_trim(), 0U) << "it is no larger for that";
    sb::buddy_free(page, left, true);
    EXPECT_TRUE(sb::buddy_has_drained());
    EXPECT_GT(sb::buddy_trim(), 0U);
    EXPECT_LE(sb::buddy_figures().dirty_pages, sb::least_dirty_pages);
    EXPECT_EQ(sb::buddy_check(), nullptr);
}

TEST(Buddy, TakesWhatIsDirtyBeforeSmallerCleanBlocks) {
    const PageIndex single = allocate(1); // its buddy is free, clean, and just as large as what is wanted
    const PageIndex page = allocate(16);
    ASSERT_NE(page, sb::no_page);
    sb::buddy_free(page, 16, true);
    EXPECT_EQ(allocate(1), page);
    EXPECT_NE(single, page);
    EXPECT_EQ(sb::buddy_check(), nullptr);
}

TEST(Buddy, TellsOnceThatItHasGrown) {
    EXPECT_FALSE(sb::buddy_has_grown());
    const PageIndex page = allocate(2 * sb::growth_pages);
    EXPECT_EQ(sb::buddy_pages_in_use(), 2 * sb::growth_pages);
    EXPECT_TRUE(sb::buddy_has_grown());
    EXPECT_FALSE(sb::buddy_has_grown());
    sb::buddy_free(page, 2 * sb::growth_pages, true);
    EXPECT_EQ(allocate(2 * sb::growth_pages), page);
    EXPECT_FALSE(sb::buddy_has_grown()) << "dirty pages are no growth";
}

TEST(Buddy, TellsOnceThatCleanPagesWereTaken) {
    EXPECT_FALSE(sb::buddy_took_clean());
    const PageIndex page = allocate(1);
    EXPECT_TRUE(sb::buddy_took_clean());
    EXPECT_FALSE(sb::buddy_took_clean());
    sb::buddy_free(page, 1, true);
    EXPECT_EQ(allocate(1), page);
    EXPECT_FALSE(sb::buddy_took_clean()) << "it was dirty";
}

TEST(Buddy, TellsOnceForEachHalvingThatItHasShrunk) {
    const PageIndex page = allocate(256);
    EXPECT_FALSE(sb::buddy_has_shrunk(0));
    EXPECT_FALSE(sb::buddy_has_shrunk(128)) << "half of it is still in use";
    EXPECT_TRUE(sb::buddy_has_shrunk(129)) << "the rest lies idle";
    EXPECT_FALSE(sb::buddy_has_shrunk(129));
    sb::buddy_shrink(page, 256, 62);
    EXPECT_TRUE(sb::buddy_has_shrunk(0)) << "less than half of the 127 of the last time";
    EXPECT_FALSE(sb::buddy_has_shrunk(0));
    const PageIndex again = allocate(128);
    sb::buddy_free(again, 128, true);
    EXPECT_TRUE(sb::buddy_has_shrunk(0)) << "it had grown in between";
}

TEST(Buddy, SlabsAndLargeBlocksKeepToTheirPageblocks) {
    // Alternating small requests of both kinds: no pageblock holds both while there is room for two.
    std::vector<PageIndex> slabs;
    std::vector<PageIndex> larges;
    for (int i = 0; i < 64; ++i) {
        slabs.push_back(sb::buddy_allocate(1, 0, Mobility::slab, PageState::slab));
        larges.push_back(allocate(1));
    }
    unsigned shared = 0;
    for (const PageIndex slab : slabs) {
        for (const PageIndex large : larges) {
            shared += slab >> sb::pageblock_order == large >> sb::pageblock_order;
        }
    }
    // The first pageblock is committed in halves and may be mixed; all further ones are not.
    EXPECT_LE(shared, 32U * 32U);
    EXPECT_EQ(sb::buddy_check(), nullptr);
}

TEST(Buddy, RandomSequencesKeepTheInvariants) {
    std::mt19937 random(7);
    std::vector<std::pair<PageIndex, uint32_t>> live;
    for (int step = 0; step < 4000; ++step) {
        if (live.size() < 40 && random() % 2) {
            const uint32_t pages = 1 + random() % (random() % 8 ? 9 : 200);
            const PageIndex page = allocate(pages, 0, random() % 2 ? Mobility::slab : Mobility::large);
            ASSERT_NE(page, sb::no_page);
            for (const auto& [other, count] : live) {
                ASSERT_TRUE(page + pages <= other || other + count <= page) << "blocks overlap";
            }
            live.emplace_back(page, pages);
        } else if (!live.empty()) {
            const size_t which = random() % live.size();
            auto& [page, pages] = live[which];
            const uint32_t wanted = pages + 1 + random() % 4;
            if (random() % 3 == 0 && wanted <= 1U << sb::max_order && sb::buddy_absorb(page, pages, wanted)) {
                pages = wanted;
            } else {
                sb::buddy_free(page, pages, random() % 4 != 0);
                live.erase(live.begin() + static_cast<long>(which));
            }
        }
        if (step % 50 == 0) {
            ASSERT_STREQ(sb::buddy_check(), nullptr);
        }
    }
    for (const auto& [page, pages] : live) {
        sb::buddy_free(page, pages, true);
    }
    EXPECT_EQ(sb::buddy_check(), nullptr);
    EXPECT_EQ(free_pages(), sb::zone.pages.load());
}

TEST(PerCpuPages, GiveTheLastFreedFirstAndDrainToTheBuddy) {
    std::vector<PageIndex> pages;
    pages.reserve(20);
    for (int i = 0; i < 20; ++i) {
        pages.push_back(sb::pcp_allocate(0, PageState::slab));
    }
    for (const PageIndex page : pages) {
        sb::pcp_free(page, 0);
    }
    EXPECT_GT(sb::pcp_pages(), 0U);
    EXPECT_LE(sb::pcp_pages(), sb::pcp_capacity * sb::pcp_shards);
    EXPECT_EQ(sb::pcp_pages() + free_pages(), sb::zone.pages.load());
    EXPECT_EQ(sb::buddy_check(), nullptr);
    sb::pcp_drain();
    EXPECT_EQ(sb::pcp_pages(), 0U);
    EXPECT_EQ(free_pages(), sb::zone.pages.load());
    EXPECT_EQ(sb::buddy_check(), nullptr);
}

} // namespace
