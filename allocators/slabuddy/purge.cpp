#include "allocators/slabuddy/purge.hpp"

#include "allocators/slabuddy/area.hpp"
#include "allocators/slabuddy/barn.hpp"
#include "allocators/slabuddy/buddy.hpp"
#include "allocators/slabuddy/live.hpp"
#include "allocators/slabuddy/options.hpp"
#include "allocators/slabuddy/os.hpp"
#include "allocators/slabuddy/pcp.hpp"
#include "allocators/slabuddy/sheaf.hpp"
#include "allocators/slabuddy/slab.hpp"
#include "allocators/slabuddy/slab_punch.hpp"

#include <atomic>

namespace sb {
namespace {

constexpr size_t peak_slack_bytes = size_t{peak_slack_pages} << page_shift;
constexpr uint64_t looks_per_delay = 4; // how often within purge_ms the idle stock is looked at

std::atomic<uint64_t> next_look_ms{0};

// What lies idle within slabs goes back, as far as it is too much beside what lives; at the heap's peak almost all.
void give_idle_back(const SlabFootprint& slabs) {
    const size_t free_in_slabs = slabs.punched + slabs.idle;
    const size_t in_use = size_t{buddy_pages_in_use()} << page_shift;
    const size_t live = in_use > free_in_slabs ? in_use - free_in_slabs : 0;
    // At the peak what was learned counts from nothing on.
    const bool at_peak = buddy_is_at_peak();
    const size_t share = live / (at_peak ? peak_slack_share : most_idle_share);
    const size_t learned = at_peak ? slabs.allowed - least_idle_bytes : slabs.allowed;
    const size_t slack = at_peak ? peak_slack_bytes : 0;
    size_t most = share > learned ? share : learned;
    most = most > slack ? most : slack;
    if (slabs.idle > most) {
        slab_punch(slabs.idle - most);
    }
}

// The heap shrinks: what is kept at hand holds slabs that could go.
void give_stocks_back() {
    thread_cache_flush();
    barn_shrink(true);
    slab_shrink();
    pcp_drain();
    buddy_trim();
}

} // namespace

void purge_poll() {
    live_poll();
    const uint64_t delay_ms = option(Option::purge_ms);
    if (delay_ms == purge_never || os_is_refused()) {
        return;
    }
    buddy_trim();
    if (slab_has_shrunk()) {
        SlabFootprint slabs = slab_footprint();
        if (buddy_has_shrunk(static_cast<uint32_t>((slabs.punched + slabs.idle) >> page_shift))) {
            give_stocks_back();
            slabs = slab_footprint();
        }
        give_idle_back(slabs);
    }
    const uint64_t now_ms = os_now_ms();
    uint64_t due = next_look_ms.load(std::memory_order_relaxed);
    if (delay_ms != 0 && (now_ms < due || !next_look_ms.compare_exchange_strong(
                                              due, now_ms + delay_ms / looks_per_delay + 1))) {
        return;
    }
    // Top down, so that what one layer gives up the next can pass on. What comes down now is young and waits
    // its turn.
    barn_shrink(false);
    if (slab_shrink() + pcp_drain() == 0 && buddy_oldest_dirty_ms() > now_ms && area_oldest_ms() > now_ms) {
        return;
    }
    const uint64_t until_ms = now_ms - (delay_ms < now_ms ? delay_ms : now_ms);
    if (buddy_oldest_dirty_ms() <= until_ms) {
        buddy_purge(until_ms);
    }
    if (area_oldest_ms() <= until_ms) {
        area_purge(until_ms);
    }
}

void purge_on_growth() {
    live_poll();
    // Asked last: a look that may do nothing does not answer for the growth.
    if (os_is_refused() || option(Option::purge_ms) == purge_never || !buddy_took_clean()) {
        return;
    }
    if (buddy_has_grown()) {
        // Top down, so that what one layer gives up the next can pass on.
        thread_cache_flush_idle();
        barn_shrink(false);
        slab_shrink();
        pcp_drain();
        give_idle_back(slab_footprint());
    }
    buddy_trim();
}

size_t purge_all() {
    thread_cache_flush();
    barn_shrink(true);
    slab_shrink();
    pcp_drain();
    const size_t punched = slab_punch(SIZE_MAX);
    return punched + size_t{buddy_purge(UINT64_MAX)} * page_bytes + area_purge(UINT64_MAX);
}

} // namespace sb
