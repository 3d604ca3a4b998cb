// Named caches, red zones, how far GFP flags go, and what broken metadata leads to. Each case has a process of its own.
#include "allocators/slabuddy/cache.hpp"

#include "allocators/slabuddy/buddy.hpp"
#include "allocators/slabuddy/check.hpp"
#include "allocators/slabuddy/debug.hpp"
#include "allocators/slabuddy/gfp.hpp"
#include "allocators/slabuddy/heap.hpp"
#include "allocators/slabuddy/options.hpp"
#include "allocators/slabuddy/os.hpp"
#include "allocators/slabuddy/redzone.hpp"
#include "allocators/slabuddy/size_classes.hpp"
#include "allocators/slabuddy/slab.hpp"
#include "allocators/slabuddy/slabuddy.h"
#include "allocators/slabuddy/stats.hpp"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <gtest/gtest.h>
#include <random>
#include <set>
#include <thread>
#include <vector>

namespace {

std::atomic<int> constructions{0};

sb::Cache* make(size_t bytes, size_t align = 16, sb::Constructor construct = nullptr) {
    return sb::cache_create("test", bytes, align, construct);
}

TEST(Cache, HandsOutEachObjectOnceAlignedAndTakesAllBack) {
    for (const size_t bytes :
         {size_t{1}, size_t{24}, size_t{100}, size_t{5000}, sb::most_cache_object_bytes}) {
        for (const size_t align : {size_t{16}, size_t{64}, sb::page_bytes}) {
            sb::Cache* cache = make(bytes, align);
            std::set<void*> objects;
            for (unsigned i = 0; i < cache->objects * 2U + 1; ++i) {
                auto* object = static_cast<char*>(sb::cache_allocate(cache, bytes));
                ASSERT_NE(object, nullptr);
                ASSERT_EQ(reinterpret_cast<uintptr_t>(object) % align, 0U);
                ASSERT_EQ(sb::cache_of(object + bytes - 1), cache);
                ASSERT_TRUE(objects.insert(object).second);
                object[bytes - 1] = 1;
            }
            EXPECT_EQ(sb::cache_check(), nullptr);
            EXPECT_FALSE(sb::cache_destroy(cache)) << "objects are in use";
            for (void* object : objects) {
                sb::cache_free(cache, object, "free");
            }
            EXPECT_EQ(sb::check_all(), nullptr);
            EXPECT_TRUE(sb::cache_destroy(cache));
        }
    }
    EXPECT_EQ(sb::caches_figures().pages, 0U);
    EXPECT_EQ(sb::totals().live_bytes, 0U);
}

TEST(Cache, RandomSequencesFromManyThreadsKeepTheInvariants) {
    sb::Cache* cache = make(200, 16, [](void* object) {
        *static_cast<int*>(object) = 7;
        ++constructions;
    });
    std::vector<std::thread> running;
    running.reserve(4);
    for (unsigned id = 0; id < 4; ++id) {
        running.emplace_back([cache, id] {
            std::mt19937 random(id);
            std::vector<int*> mine;
            for (int i = 0; i < 20000; ++i) {
                if (mine.size() < 300 && random() % 2) {
                    mine.push_back(static_cast<int*>(sb::cache_allocate(cache, 200)));
                    ASSERT_EQ(*mine.back(), 7) << "constructed, and given back so";
                } else if (!mine.empty()) {
                    std::swap(mine[random() % mine.size()], mine.back());
                    sb::cache_free(cache, mine.back(), "free");
                    mine.pop_back();
                }
            }
            for (int* object : mine) {
                sb::cache_free(cache, object, "free");
            }
        });
    }
    for (auto& thread : running) {
        thread.join();
    }
    EXPECT_STREQ(sb::check_all(), nullptr);
    EXPECT_EQ(cache->in_use, 0U);
    EXPECT_GE(constructions, cache->objects);
    sb::cache_shrink(cache);
    EXPECT_EQ(sb::caches_figures().pages, 0U);
}

TEST(Cache, AddressesOfOthersAreNotItsOwn) {
    sb::Cache* cache = make(64);
    void* object = sb::cache_allocate(cache, 64);
    EXPECT_EQ(sb::cache_of(object), cache);
    for (void* other :
         {sb::allocate(64), sb::allocate(100000), sb::allocate(size_t{30} << 20), static_cast<void*>(&cache),
          static_cast<void*>(nullptr), reinterpret_cast<void*>(~uintptr_t{0})}) {
        EXPECT_EQ(sb::cache_of(other), nullptr);
    }
    sb::cache_free(cache, object, "free");
}

TEST(Redzone, EveryByteAroundAnObjectIsWatched) {
    constexpr size_t stride = 64;
    constexpr size_t asked = 40;
    alignas(16) char memory[stride * 3];
    char* object = memory + stride;
    sb::redzone_lead(memory, stride);
    sb::redzone_set(object, stride, asked);
    EXPECT_TRUE(sb::redzone_is_whole_below(object));
    EXPECT_EQ(sb::redzone_asked_bytes(object, stride), asked);
    EXPECT_FALSE(sb::redzone_look_above(object, stride).found);
    for (size_t at = asked; at < stride - 8; ++at) {
        object[at] = static_cast<char>(~object[at]);
        EXPECT_TRUE(sb::redzone_look_above(object, stride).found) << at;
        object[at] = static_cast<char>(~object[at]);
    }
    for (char* at : {object - 1, object - 8}) {
        *at = static_cast<char>(~*at);
        EXPECT_FALSE(sb::redzone_is_whole_below(object));
        *at = static_cast<char>(~*at);
    }
    sb::redzone_poison(object, stride);
    EXPECT_FALSE(sb::redzone_look_at_poison(object, stride).found);
    object[13] = 0;
    const sb::Damage damage = sb::redzone_look_at_poison(object, stride);
    EXPECT_TRUE(damage.found);
    EXPECT_EQ(damage.offset, 13U);
    EXPECT_EQ(damage.value, 0);
    EXPECT_EQ(damage.asked_bytes, asked);
}

TEST(Debug, MallocIsServedBetweenRedZonesAndFromAreas) {
    sb::option_set(sb::Option::debug, 1);
    std::vector<void*> blocks;
    for (size_t bytes = 0; bytes < 200000; bytes = bytes * 3 / 2 + 1) {
        auto* block = static_cast<char*>(sb::allocate(bytes));
        ASSERT_NE(block, nullptr);
        EXPECT_EQ(sb::usable_size(block), bytes) << "what was asked for and no more";
        memset(block, 1, bytes);
        blocks.push_back(sb::reallocate(block, bytes + 1));
        EXPECT_NE(blocks.back(), block) << "always moved";
    }
    auto* aligned = static_cast<char*>(sb::allocate_aligned(512, 100));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(aligned) % 512, 0U);
    EXPECT_EQ(sb::check_all(), nullptr);
    EXPECT_DEATH(
        {
            aligned[100] = 1;
            sb::check_all();
        },
        "check\\(0x[0-9a-f]+\\): written past its end: byte 100 of 100 is 0x1 \\(class "
        "kmalloc-112-aligned-512\\)");
    for (void* block : blocks) {
        sb::release(block);
    }
    sb::release(aligned);
    EXPECT_EQ(sb::check_all(), nullptr);
    EXPECT_EQ(sb::totals().live_bytes + sb::totals().area_bytes, 0U);
    EXPECT_DEATH(sb::release(aligned), "double free \\(class kmalloc-112-aligned-512\\)");
}

TEST(Gfp, WithoutTheSystemOnlyWhatIsThereIsGiven) {
    EXPECT_EQ(sb_kmalloc(100, SB_GFP_NOWAIT | SB_GFP_NOWARN), nullptr) << "there is no zone yet";
    sb::release(sb::allocate(100));
    const uint32_t committed = sb::zone.pages.load();
    std::vector<void*> blocks;
    while (void* block = sb_kmalloc(20000, SB_GFP_NOWAIT | SB_GFP_NOWARN)) {
        blocks.push_back(block);
    }
    EXPECT_EQ(sb::zone.pages.load(), committed);
    EXPECT_EQ(errno, ENOMEM);
    // What lies in sheaves comes out for an atomic request of another size.
    for (void* block : blocks) {
        sb_kfree(block);
    }
    void* atomic = sb_alloc_pages(SB_GFP_ATOMIC, 3);
    EXPECT_NE(atomic, nullptr);
    sb_free_pages(atomic, 3);
    EXPECT_EQ(sb::zone.pages.load(), committed);
    {
        const sb::OsRefusal refusal;
        EXPECT_EQ(sb::os_map(sb::page_bytes), nullptr);
        EXPECT_EQ(sb::allocate(size_t{30} << 20), nullptr);
    }
    sb::release(sb::allocate(size_t{30} << 20));
    EXPECT_STREQ(sb::check_all(), nullptr);
}

TEST(Gfp, FailuresAreSaidTenTimesUnlessToldNotTo) {
    testing::internal::CaptureStderr();
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(sb_kmalloc(SIZE_MAX, SB_GFP_KERNEL | SB_GFP_NOWARN), nullptr);
    }
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(sb_kmalloc(SIZE_MAX, SB_GFP_KERNEL), nullptr);
    }
    const std::string said = testing::internal::GetCapturedStderr();
    EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 10);
    EXPECT_EQ(said.find("slabuddy: sb_kmalloc: no memory for 18446744073709551615 bytes, gfp 0xcc0; "), 0U)
        << said;
}

// Metadata is out of band; who writes over it all the same is found where it is used next.
TEST(MetadataDeath, LinksThatDoNotMeetAreNamed) {
    const sb::PageIndex first = sb::buddy_allocate(1, 0, sb::Mobility::large, sb::PageState::large);
    sb::buddy_free(first, 1, true);
    const sb::BuddyFigures figures = sb::buddy_figures();
    ASSERT_GT(figures.free_pages, 0U);
    EXPECT_DEATH(
        {
            for (sb::PageIndex page = 0; page < sb::zone.pages.load(); ++page) {
                sb::zone.mem_map[page].next = 0x41414141;
                sb::zone.mem_map[page].prev = 0x41414141;
            }
            for (int i = 0; i < 100; ++i) {
                sb::allocate(100000);
            }
        },
        "broken invariant: the neighbours in a list of pages do not link to this one; look for writes "
        "through wild");
}

TEST(MetadataDeath, AnObjectWhoseSlabIsGoneIsNamed) {
    void* object = nullptr;
    ASSERT_EQ(sb::slab_refill(5, &object, 1), 1U);
    void* twice[] = {object};
    sb::slab_flush(5, twice, 1, "free");
    sb::slab_shrink(); // its slab is empty, and its pages go back
    EXPECT_DEATH(sb::slab_flush(5, twice, 1, "free"),
                 "free\\(0x[0-9a-f]+\\): double free \\(class kmalloc-80\\)");
    sb::slab_flush(5, twice, 1, "free", true); // a child of fork passes over it
    EXPECT_STREQ(sb::check_all(), nullptr);
}

TEST(MetadataDeath, OverwrittenOccupancyIsFoundByTheChecker) {
    std::vector<void*> objects(10);
    ASSERT_EQ(sb::slab_refill(4, objects.data(), 10), 10U);
    const auto page = static_cast<sb::PageIndex>(sb::zone_page_of(reinterpret_cast<uintptr_t>(objects[0])));
    sb::zone.occupancy[size_t{page} * sb::words_per_page] = 0;
    EXPECT_STREQ(sb::check_all(), "slab: the free count is not the number of bits");
}

} // namespace
