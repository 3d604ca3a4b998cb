#include "allocators/slabuddy/shard.hpp"

#include "allocators/slabuddy/os.hpp"

namespace sb {
namespace {

constinit Lock count_lock;
std::atomic<unsigned> count{1};
std::atomic<int> threads{0};

} // namespace

unsigned shard_of_this_cpu() {
    if (threads.load(std::memory_order_relaxed) <= 1) {
        return 0;
    }
    const unsigned shard = os_cpu() % most_shards;
    if (__builtin_expect(shard >= count.load(std::memory_order_relaxed), 0)) {
        if (!count_lock
                 .try_lock()) { // a fork is under way: its locks must suffice, and some caller may hold one
            return 0;
        }
        if (shard >= count.load(std::memory_order_relaxed)) {
            count.store(shard + 1, std::memory_order_relaxed);
        }
        count_lock.unlock();
    }
    return shard;
}

unsigned shard_count() {
    return count.load(std::memory_order_relaxed);
}

Lock& shard_lock() {
    return count_lock;
}

void shard_threads_changed(int by) {
    threads.fetch_add(by, std::memory_order_relaxed);
}

} // namespace sb
