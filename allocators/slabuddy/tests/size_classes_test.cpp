// The table of size classes: every promise of size_classes.hpp, over every size.
#include "allocators/slabuddy/size_classes.hpp"

#include <gtest/gtest.h>

namespace {

TEST(SizeClasses, EverySizeGetsTheSmallestClassThatFits) {
    for (size_t size = 0; size <= sb::most_slab_object_bytes; ++size) {
        const unsigned cls = sb::class_of(size);
        ASSERT_GE(cls, 1U);
        ASSERT_GE(sb::size_classes[cls].bytes, size);
        ASSERT_TRUE(cls == 1 || sb::size_classes[cls - 1].bytes < size) << size;
    }
}

TEST(SizeClasses, WasteIsAtMostAnEighthAbove128) {
    for (size_t size = 129; size <= sb::most_slab_object_bytes; ++size) {
        ASSERT_LE((sb::size_classes[sb::class_of(size)].bytes - size) * 8, size + 7) << size;
    }
}

TEST(SizeClasses, PowersOfTwoAreClassesAndNaturallyAligned) {
    for (size_t size = 16; size <= sb::most_slab_object_bytes; size *= 2) {
        const sb::SizeClass& cls = sb::size_classes[sb::class_of(size)];
        EXPECT_EQ(cls.bytes, size);
        EXPECT_EQ((cls.offset_mask + 1) % size, 0U);
    }
}

TEST(SizeClasses, ReciprocalDividesAndDivisibleRecognisesMultiples) {
    for (unsigned cls = 1; cls < sb::class_table_size; ++cls) {
        const sb::SizeClass& size = sb::size_classes[cls];
        const uint64_t least_noise = sb::divisible_with(size, 0);
        const uint64_t most_noise = sb::divisible_with(size, UINT64_MAX);
        EXPECT_GE(most_noise - least_noise, (uint64_t{1} << 28) - 1);
        for (uint64_t offset = 0; offset <= size.offset_mask; offset += offset < 70000 ? 1 : 13) {
            ASSERT_EQ(offset * size.reciprocal >> 40, offset / size.bytes) << size.bytes << " " << offset;
            for (const uint64_t divisible : {least_noise, most_noise}) {
                ASSERT_EQ(offset * divisible < divisible, offset % size.bytes == 0)
                    << size.bytes << " " << offset;
            }
        }
    }
}

TEST(SizeClasses, SlabsHoldWhatTheirWordsCanSay) {
    for (unsigned cls = 1; cls < sb::class_table_size; ++cls) {
        const sb::SizeClass& size = sb::size_classes[cls];
        EXPECT_LE(size.objects, size.words * 64);
        EXPECT_LE(size.words, sb::words_per_page);
        EXPECT_GE(size.objects, 8);
        EXPECT_LE(size.order, sb::most_slab_order);
        EXPECT_LE(size_t{size.objects} * size.bytes, size_t{size.offset_mask} + 1);
        EXPECT_GE(size.capacity, 2);
        EXPECT_LE(size.capacity, sb::sheaf_slots);
        EXPECT_GE(size.barn_sheaves, 1);
        EXPECT_LE(size.barn_sheaves, sb::barn_most_sheaves);
    }
}

TEST(SizeClasses, AlignedRequestsFindAClassWhoseObjectsAllAre) {
    for (size_t alignment = 16; alignment <= sb::most_slab_object_bytes; alignment *= 2) {
        for (size_t size = 0; size <= sb::most_slab_object_bytes; size += 37) {
            const unsigned cls = sb::class_of_aligned(alignment, size);
            ASSERT_NE(cls, 0U) << alignment << " " << size;
            ASSERT_GE(sb::size_classes[cls].bytes, size);
            ASSERT_EQ(sb::size_classes[cls].bytes % alignment, 0U);
        }
    }
    EXPECT_EQ(sb::class_of_aligned(16, sb::most_slab_object_bytes + 1), 0U);
    EXPECT_EQ(sb::class_of_aligned(sb::most_slab_object_bytes * 2, 1), 0U);
}

} // namespace
