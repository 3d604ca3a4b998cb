#include "workloads/synthetic/spsc_queue.hpp"

#include <gtest/gtest.h>
#include <thread>

using namespace faultline;
using synthetic::SpscQueue;

TEST(SpscQueue, SaysWhenItIsFullAndWhenItIsEmpty) {
    engine::Arena arena;
    SpscQueue<int> queue;
    queue.prepare(arena, 2);
    int out = 0;
    EXPECT_FALSE(queue.pop(out));
    EXPECT_TRUE(queue.push(1));
    EXPECT_TRUE(queue.push(2));
    EXPECT_FALSE(queue.push(3));
    EXPECT_TRUE(queue.pop(out));
    EXPECT_EQ(out, 1);
    EXPECT_TRUE(queue.push(3));
    EXPECT_TRUE(queue.pop(out));
    EXPECT_EQ(out, 2);
    EXPECT_TRUE(queue.pop(out));
    EXPECT_EQ(out, 3);
    EXPECT_FALSE(queue.pop(out));
}

TEST(SpscQueue, HandsEverythingOverInOrder) {
    constexpr int count = 100'000;
    engine::Arena arena;
    SpscQueue<int> queue;
    queue.prepare(arena, 16);
    std::thread producer([&] {
        for (int i = 0; i < count; ++i)
            while (!queue.push(i))
                std::this_thread::yield();
    });
    int wrong = 0;
    for (int i = 0; i < count; ++i) {
        int out = -1;
        while (!queue.pop(out))
            std::this_thread::yield();
        wrong += out != i ? 1 : 0;
    }
    producer.join();
    EXPECT_EQ(wrong, 0);
}
