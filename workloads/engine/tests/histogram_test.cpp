#include "workloads/engine/histogram.hpp"
#include "workloads/engine/latency.hpp"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <vector>

#include "workloads/engine/rng.hpp"

using namespace faultline::engine;

TEST(Histogram, UpperBoundHoldsTheValueWithinOne32nd) {
    Rng random(1);
    for (int i = 0; i < 100'000; ++i) {
        const std::uint64_t ns = random.next() >> (64 - random.between(1, Histogram::value_bits));
        const std::uint64_t upper = Histogram::upper_ns(Histogram::bucket_of(ns));
        ASSERT_GE(upper, ns);
        ASSERT_LE(static_cast<double>(upper - ns), static_cast<double>(ns) / 32) << ns;
    }
}

TEST(Histogram, BucketsFollowEachOtherWithoutGapOrOverlap) {
    for (std::size_t bucket = 0; bucket + 1 < Histogram::bucket_count; ++bucket) {
        ASSERT_EQ(Histogram::bucket_of(Histogram::upper_ns(bucket)), bucket);
        ASSERT_EQ(Histogram::bucket_of(Histogram::upper_ns(bucket) + 1), bucket + 1);
    }
    EXPECT_EQ(Histogram::upper_ns(Histogram::bucket_count - 1),
              (std::uint64_t{1} << Histogram::value_bits) - 1);
}

TEST(Histogram, ValuesBelow32AreExact) {
    for (std::uint64_t ns = 0; ns < 32; ++ns)
        EXPECT_EQ(Histogram::upper_ns(Histogram::bucket_of(ns)), ns);
}

TEST(Histogram, QuantilesAgreeWithTheSortedValues) {
    Rng random(2);
    Histogram histogram;
    std::vector<std::uint64_t> values;
    for (int i = 0; i < 10'000; ++i) {
        values.push_back(20 + static_cast<std::uint64_t>(std::exp(random.unit() * 14)));
        histogram.add(values.back());
    }
    std::ranges::sort(values);
    for (const double quantile : {0.001, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0}) {
        const std::uint64_t exact = values[static_cast<std::size_t>(std::ceil(quantile * 10'000)) - 1];
        EXPECT_GE(histogram.quantile_ns(quantile), exact);
        EXPECT_LE(static_cast<double>(histogram.quantile_ns(quantile)), static_cast<double>(exact) * 33 / 32);
    }
    EXPECT_EQ(histogram.max_ns(), values.back());
    EXPECT_EQ(histogram.quantile_ns(1), values.back());
}

TEST(Histogram, EmptyHasNoQuantile) {
    EXPECT_EQ(Histogram().quantile_ns(0.5), 0U);
    EXPECT_EQ(Histogram().count(), 0U);
}

TEST(Histogram, LongerThanTheLastBucketKeepsItsMaximum) {
    Histogram histogram;
    histogram.add(std::uint64_t{1} << 40);
    EXPECT_EQ(histogram.bucket(Histogram::bucket_count - 1), 1U);
    EXPECT_EQ(histogram.max_ns(), std::uint64_t{1} << 40);
}

TEST(Histogram, MergeIsTheSameAsAddingAllToOne) {
    Histogram one;
    Histogram left;
    Histogram right;
    Rng random(3);
    for (int i = 0; i < 1000; ++i) {
        const std::uint64_t ns = random.below(1 << 20);
        one.add(ns);
        (i % 3 == 0 ? left : right).add(ns);
    }
    left.merge(right);
    EXPECT_EQ(left.max_ns(), one.max_ns());
    for (std::size_t bucket = 0; bucket < Histogram::bucket_count; ++bucket)
        ASSERT_EQ(left.bucket(bucket), one.bucket(bucket));
}

TEST(Latency, SizeClassesAreWhatARequestRoundsUpTo) {
    EXPECT_EQ(size_class_bytes(size_class_of(0)), 8U);
    EXPECT_EQ(size_class_bytes(size_class_of(8)), 8U);
    EXPECT_EQ(size_class_bytes(size_class_of(9)), 16U);
    EXPECT_EQ(size_class_bytes(size_class_of(4096)), 4096U);
    EXPECT_EQ(size_class_bytes(size_class_of(4097)), 8192U);
    EXPECT_EQ(size_class_bytes(size_class_of(std::size_t{1} << 40)), std::size_t{64} << 20);
}

TEST(Latency, EveryKthCallIsDue) {
    Arena arena;
    LatencyRecorder recorder;
    constexpr Operation operations[] = {Operation::malloc};
    recorder.prepare(arena, 7, operations);
    unsigned due = 0;
    for (int call = 0; call < 700; ++call)
        if (recorder.due()) {
            ++due;
            recorder.add(Operation::malloc, 64, 0);
        }
    EXPECT_EQ(due, 100U);
    EXPECT_EQ(recorder.table(Operation::malloc)[size_class_of(64)].count(), 100U);
}

TEST(Latency, ZeroMeansNever) {
    Arena arena;
    LatencyRecorder recorder;
    constexpr Operation operations[] = {Operation::malloc};
    const std::uint64_t before = Arena::process_bytes();
    recorder.prepare(arena, 0, operations);
    for (int call = 0; call < 1000; ++call)
        ASSERT_FALSE(recorder.due());
    EXPECT_EQ(Arena::process_bytes(), before);
}

TEST(Latency, MergeTakesTablesForWhatTheOtherSaw) {
    Arena arena;
    LatencyRecorder all;
    for (const Operation operation : {Operation::malloc, Operation::free, Operation::free}) {
        LatencyRecorder one;
        one.prepare(arena, 1, {&operation, 1});
        ASSERT_TRUE(one.due());
        one.add(operation, 100, 0);
        all.merge(arena, one);
    }
    EXPECT_EQ(all.table(Operation::malloc)[size_class_of(100)].count(), 1U);
    EXPECT_EQ(all.table(Operation::free)[size_class_of(100)].count(), 2U);
    EXPECT_EQ(all.table(Operation::calloc), nullptr);
    EXPECT_EQ(all.every(), 1U);
}
