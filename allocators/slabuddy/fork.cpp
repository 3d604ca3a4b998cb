#include "allocators/slabuddy/fork.hpp"

#include "allocators/slabuddy/area.hpp"
#include "allocators/slabuddy/barn.hpp"
#include "allocators/slabuddy/cache.hpp"
#include "allocators/slabuddy/live.hpp"
#include "allocators/slabuddy/meta.hpp"
#include "allocators/slabuddy/pcp.hpp"
#include "allocators/slabuddy/shard.hpp"
#include "allocators/slabuddy/sheaf.hpp"
#include "allocators/slabuddy/slab.hpp"
#include "allocators/slabuddy/slab_punch.hpp"
#include "allocators/slabuddy/zone.hpp"

#include <pthread.h>

namespace sb {
namespace {

// The ranks of lock.hpp, as one walk for lock, unlock and reset. The pools' locks guard nothing but
// themselves.
template <typename Action>
void for_each_lock(Action action) {
    action(thread_list_lock());
    action(shard_lock()); // from here to the end shard_count() is the same
    const unsigned shards = shard_count();
    for (Lock& (*lock_of)(unsigned, unsigned) : {barn_lock, slab_lock}) {
        for (unsigned shard = 0; shard < shards; ++shard) {
            for (unsigned cls = 1; cls < class_table_size; ++cls) {
                action(lock_of(shard, cls));
            }
        }
    }
    action(slab_regret_lock());
    action(area_lock());
    const auto each = [](Lock& lock, void* context) { (*static_cast<Action*>(context))(lock); };
    cache_each_lock(each, &action);
    pcp_each_lock(each, &action);
    action(zone.lock);
    action(thread_cache_pool_lock());
    action(sheaf_pool_lock());
    action(meta_lock);
}

void prepare() {
    for_each_lock([](Lock& lock) { lock.lock(); });
}

void in_parent() {
    for_each_lock([](Lock& lock) { lock.unlock(); });
}

void in_child() {
    for_each_lock([](Lock& lock) { lock.reset(); });
    if (zone.limit > 0) {
        slab_repair();
        thread_caches_adopt();
    }
    live_in_child();
}

} // namespace

void fork_start() {
    static constinit std::atomic<bool> started{false};
    if (started.exchange(true)) {
        return; // twice registered, prepare() would wait for itself
    }
    // Registered first of all: prepare handlers run in reverse order, so those of others may still allocate.
    pthread_atfork(prepare, in_parent, in_child);
}

} // namespace sb
