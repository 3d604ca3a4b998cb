// Slabs, barns, and what they report as misuse.
#include "allocators/slabuddy/slab.hpp"
#include "allocators/slabuddy/slab_punch.hpp"

#include "allocators/slabuddy/barn.hpp"
#include "allocators/slabuddy/buddy.hpp"
#include "allocators/slabuddy/check.hpp"
#include "allocators/slabuddy/os.hpp"
#include "allocators/slabuddy/owner.hpp"
#include "allocators/slabuddy/pcp.hpp"
#include "allocators/slabuddy/size_classes.hpp"

#include <algorithm>
#include <cstring>
#include <gtest/gtest.h>
#include <set>
#include <sys/mman.h>
#include <vector>

namespace {

std::vector<void*> refill(unsigned cls, unsigned wanted) {
    std::vector<void*> objects(wanted);
    unsigned taken = 0;
    while (taken < wanted) {
        const unsigned got = sb::slab_refill(cls, objects.data() + taken, wanted - taken);
        if (got == 0) {
            break;
        }
        taken += got;
    }
    objects.resize(taken);
    return objects;
}

void flush(unsigned cls, std::vector<void*>& objects) {
    sb::slab_flush(cls, objects.data(), static_cast<unsigned>(objects.size()), "free");
}

bool is_resident(const void* address) {
    unsigned char there = 0;
    const uintptr_t page = reinterpret_cast<uintptr_t>(address) & ~(sb::os_page_bytes() - 1);
    EXPECT_EQ(mincore(reinterpret_cast<void*>(page), 1, &there), 0);
    return (there & 1) != 0;
}

// Of the memory of sparse slabs only what survivors lie in stays, and they keep their bytes.
TEST(Slab, PunchingGivesBackTheSystemPagesThatHoldNoObjectInUse) {
    for (const size_t bytes : {size_t{1024}, size_t{3584}, size_t{24576}}) {
        const unsigned cls = sb::class_of(bytes);
        const unsigned objects_each = sb::size_classes[cls].objects;
        std::vector<void*> objects = refill(cls, objects_each * 4);
        std::vector<void*> others;
        std::vector<void*> survivors;
        std::sort(objects.begin(), objects.end());
        for (size_t i = 0; i < objects.size(); ++i) {
            memset(objects[i], 0x5a, bytes);
            (i % objects_each == 1 ? survivors : others).push_back(objects[i]);
        }
        flush(cls, others);
        const sb::SlabFootprint before = sb::slab_footprint();
        EXPECT_GE(before.idle, others.size() * bytes);
        EXPECT_EQ(before.punched, 0U);
        const size_t given = sb::slab_punch(SIZE_MAX);
        EXPECT_GE(given, (others.size() - 3 * survivors.size()) * bytes) << bytes;
        EXPECT_FALSE(is_resident(others.back()));
        EXPECT_TRUE(is_resident(survivors.back()));
        for (const void* survivor : survivors) {
            for (size_t i = 0; i < bytes; ++i) {
                ASSERT_EQ(static_cast<const char*>(survivor)[i], 0x5a);
            }
        }
        const sb::SlabFootprint after = sb::slab_footprint();
        EXPECT_EQ(after.punched, given);
        EXPECT_EQ(after.idle, before.idle - given);
        EXPECT_EQ(sb::slab_punch(SIZE_MAX), 0U) << "nothing is new";
        ASSERT_STREQ(sb::check_all(), nullptr);

        // What is taken again has memory again, and is counted so.
        objects = refill(cls, static_cast<unsigned>(others.size()));
        for (void* object : objects) {
            memset(object, 0xa5, bytes);
        }
        EXPECT_EQ(sb::slab_footprint().punched, 0U);
        ASSERT_STREQ(sb::check_all(), nullptr);
        flush(cls, objects);
        flush(cls, survivors);
        sb::slab_shrink();
        ASSERT_EQ(sb::slab_footprint().in_use, 0U);
    }
}

TEST(Slab, EveryClassHandsOutEachObjectOnceAndTakesAllBack) {
    for (unsigned cls = 1; cls < sb::class_table_size; ++cls) {
        const sb::SizeClass& size = sb::size_classes[cls];
        const unsigned wanted = size.objects * 2 + 3;
        std::vector<void*> objects = refill(cls, wanted);
        ASSERT_EQ(objects.size(), wanted);
        ASSERT_EQ(std::set<void*>(objects.begin(), objects.end()).size(), wanted);
        for (void* object : objects) {
            ASSERT_EQ(sb::owner_of(object), cls);
            ASSERT_EQ(sb::owner_of(static_cast<char*>(object) + size.bytes - 1), cls);
            ASSERT_EQ((reinterpret_cast<uintptr_t>(object) & size.offset_mask) % size.bytes, 0U);
            ASSERT_EQ(sb::slab_look_up(cls, object), sb::SlabObject::allocated);
            ASSERT_EQ(sb::slab_look_up(cls, static_cast<char*>(object) + 1), sb::SlabObject::none);
        }
        ASSERT_EQ(sb::slab_figures(cls).slabs, 3U);
        ASSERT_STREQ(sb::check_all(), nullptr);
        flush(cls, objects);
        ASSERT_EQ(sb::slab_look_up(cls, objects[0]), sb::SlabObject::free);
        const sb::SlabFigures after = sb::slab_figures(cls);
        ASSERT_LE(after.slabs, sb::most_empty_slabs);
        ASSERT_EQ(after.free_objects, after.objects);
        ASSERT_STREQ(sb::check_all(), nullptr);
    }
    sb::slab_shrink();
    sb::pcp_drain();
    EXPECT_EQ(sb::buddy_figures().free_pages, sb::zone.pages.load());
}

TEST(Slab, RefillGivesTheLowestAddressLast) {
    const std::vector<void*> objects = refill(1, 32);
    EXPECT_TRUE(std::is_sorted(objects.rbegin(), objects.rend()));
}

TEST(Slab, RefillsTakeFromTheFullestSlab) {
    const unsigned cls = sb::class_of(1024);
    std::vector<void*> objects = refill(cls, sb::size_classes[cls].objects * 2U); // two full slabs
    std::sort(objects.begin(), objects.end());
    std::vector<void*> few(objects.begin(), objects.begin() + 3);
    std::vector<void*> many(objects.end() - 40, objects.end());
    flush(cls, few);
    flush(cls, many);
    const std::vector<void*> again = refill(cls, 3);
    EXPECT_TRUE(std::is_permutation(again.begin(), again.end(), few.begin()));
}

TEST(SlabDeath, RepeatedFreesAreFoundByTheirBit) {
    std::vector<void*> objects = refill(3, 2);
    flush(3, objects);
    EXPECT_DEATH(flush(3, objects), "slabuddy: free\\(0x[0-9a-f]+\\): double free \\(class kmalloc-48\\)");
    objects = refill(3, 1);
    objects.push_back(objects[0]);
    EXPECT_DEATH(flush(3, objects), "double free");
}

TEST(SlabDeath, PointersThatAreNoObjectAreNamed) {
    std::vector<void*> objects = refill(3, 1);
    std::vector<void*> wrong = {static_cast<char*>(objects[0]) + 16};
    EXPECT_DEATH(flush(3, wrong), "pointer into the middle of a block");
    wrong = {static_cast<char*>(objects[0]) + 1};
    EXPECT_DEATH(flush(3, wrong), "misaligned");
    // Behind the last whole object of the slab: 1365 * 48 bytes.
    const uintptr_t slab = reinterpret_cast<uintptr_t>(objects[0]) & ~uintptr_t{sb::page_bytes - 1};
    wrong = {reinterpret_cast<void*>(slab + 1365 * 48)};
    EXPECT_DEATH(flush(3, wrong), "did not hand out");
}

TEST(Slab, AForgivingFlushPassesOverWhatIsFree) {
    std::vector<void*> objects = refill(2, 4);
    std::vector<void*> twice = {objects[0], objects[1], objects[2], objects[3]};
    flush(2, objects);
    sb::slab_flush(2, twice.data(), 4, "free", true);
    EXPECT_EQ(sb::check_all(), nullptr);
}

TEST(Barn, KeepsAFewSheavesAndShrinksWhatLiesIdle) {
    const unsigned cls = sb::class_of(64);
    constexpr uint32_t each = 32;
    unsigned kept = 0;
    sb::Sheaf* empty = nullptr; // paid for the last one
    for (;; ++kept) {
        sb::Sheaf* sheaf = empty ? empty : sb::sheaf_allocate();
        ASSERT_EQ(reinterpret_cast<uintptr_t>(sheaf) % sizeof(sb::Sheaf), 0U);
        const unsigned got = sb::slab_refill(cls, sheaf->slots + 1, each); // divides the slab's 1024
        empty = sb::barn_put(cls, sheaf, got);
        if (!empty) {
            sb::slab_flush(cls, sheaf->slots + 1, got, "free");
            sb::sheaf_release(sheaf);
            break;
        }
    }
    EXPECT_EQ(kept, sb::size_classes[cls].barn_sheaves);
    uint32_t count = 0;
    empty = sb::sheaf_allocate();
    sb::Sheaf* taken = sb::barn_take(cls, empty, count, sb::Reach::home);
    ASSERT_NE(taken, nullptr);
    ASSERT_EQ(count, each);
    ASSERT_NE(empty = sb::barn_put(cls, taken, count), nullptr);
    sb::barn_shrink(false); // nothing was idle since the barn was made: it began empty
    EXPECT_EQ(sb::barn_objects(cls), kept * each);
    ASSERT_NE(taken = sb::barn_take(cls, empty, count, sb::Reach::home), nullptr);
    ASSERT_NE(empty = sb::barn_put(cls, taken, count), nullptr);
    sb::barn_shrink(false); // all but the one that was taken meanwhile
    EXPECT_EQ(sb::barn_objects(cls), each);
    sb::barn_shrink(true);
    EXPECT_EQ(sb::barn_objects(cls), 0U);
    EXPECT_EQ(sb::barn_take(cls, empty, count, sb::Reach::home), nullptr);
    EXPECT_EQ(sb::barn_take(cls, empty, count, sb::Reach::everywhere), nullptr);
    sb::sheaf_release(empty);
    EXPECT_EQ(sb::check_all(), nullptr);
}

} // namespace
