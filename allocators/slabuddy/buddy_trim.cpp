#include "allocators/slabuddy/buddy_lists.hpp"
#include "allocators/slabuddy/os.hpp"
#include "allocators/slabuddy/regret.hpp"

#include <cstring>

namespace sb {
namespace {

std::atomic<uint64_t> no_trim_before_ms{0};

// How large the heap is and was, in pages; written under the zone lock.
std::atomic<uint32_t> most_in_use{0};   // ever
std::atomic<uint32_t> recent_in_use{0}; // the most since buddy_has_shrunk()
std::atomic<uint32_t> fresh_pages{0};   // clean ones taken since buddy_has_grown()
std::atomic<bool> took_clean{false};    // since buddy_took_clean()

// What trimming has taught; zone lock.
constinit Regret regret(least_dirty_pages, most_dirty_pages);

void purge_block(PageIndex page, unsigned order) {
    const PageIndex end = page + pages_of(order);
    for (PageIndex at = page; at < end;) {
        if (!zone.dirty[at]) {
            ++at;
            continue;
        }
        PageIndex run_end = at;
        while (run_end < end && zone.dirty[run_end]) {
            ++run_end;
        }
        if (os_purge(reinterpret_cast<void*>(page_address(at)), (run_end - at) * page_bytes)) {
            memset(zone.dirty + at, 0, run_end - at);
        }
        at = run_end;
    }
}

// Gives a free block's memory back; it then stands at the back of its list, among the clean ones. Returns pages.
uint32_t purge_listed(PageList& list, PageIndex page) {
    Page& head = zone.mem_map[page];
    const uint32_t before = head.count.load(std::memory_order_relaxed);
    const unsigned order = head.order.load(std::memory_order_relaxed);
    purge_block(page, order);
    const uint32_t left = count_dirty(page, pages_of(order)); // all, where the system refused
    if (!note_dirty(page, left)) {
        list.remove(page);
        list.push_back(page);
    }
    return before - left;
}

// Gives dirty pages back until no more than `most` are left. The largest blocks first: each call into the kernel gives back
// the most. Returns pages.
uint32_t trim_to(uint32_t most) {
    uint32_t purged = 0;
    for (unsigned order = order_count; order-- > 0;) {
        for (auto& by_order : free_blocks.lists) {
            PageList& list = by_order[order];
            uint32_t refused = 0;
            for (PageIndex page = list.first(); is_dirty(page) && refused == 0;) {
                if (free_blocks.dirty.load(std::memory_order_relaxed) <= most) {
                    return purged;
                }
                const PageIndex following = zone.mem_map[page].next;
                const uint32_t given = purge_listed(list, page);
                refused = given == 0;
                purged += given;
                page = following;
            }
        }
    }
    return purged;
}

// How many free pages may be dirty: with them the heap is to be no larger than it ever had to be, by more than a little.
// When it has shrunk far it may never be used again: then the given number at most.
uint32_t most_dirty(uint32_t when_drained) {
    const uint32_t peak = most_in_use.load(std::memory_order_relaxed);
    const uint32_t in_use = buddy_pages_in_use();
    const uint32_t slack = peak / peak_slack_share;
    const uint32_t below_peak =
        (peak > in_use ? peak - in_use : 0) + (slack > peak_slack_pages ? slack : peak_slack_pages);
    return buddy_has_drained() && when_drained < below_peak ? when_drained : below_peak;
}

} // namespace

void buddy_note_taken(uint32_t clean) {
    if (clean > 0) {
        fresh_pages.store(fresh_pages.load(std::memory_order_relaxed) + clean, std::memory_order_relaxed);
        took_clean.store(true, std::memory_order_relaxed);
        if (regret.may_miss()) {
            regret.taken(clean, os_now_ms()); // what trimming had made clean was better kept
        }
    }
    if (const uint32_t in_use = buddy_pages_in_use();
        in_use > recent_in_use.load(std::memory_order_relaxed)) {
        recent_in_use.store(in_use, std::memory_order_relaxed);
        if (in_use > most_in_use.load(std::memory_order_relaxed)) {
            most_in_use.store(in_use, std::memory_order_relaxed);
        }
    }
}

uint32_t buddy_purge(uint64_t until_ms) {
    uint32_t purged = 0;
    uint64_t oldest = UINT64_MAX;
    Guard guard(zone.lock);
    for (auto& by_order : free_blocks.lists) {
        for (PageList& list : by_order) {
            // Dirty blocks stand in front.
            for (PageIndex page = list.first(); is_dirty(page);) {
                const Page& head = zone.mem_map[page];
                const PageIndex following = head.next;
                if (head.since_ms <= until_ms) {
                    purged += purge_listed(list, page);
                } else if (head.since_ms < oldest) {
                    oldest = head.since_ms;
                }
                page = following;
            }
        }
    }
    free_blocks.oldest_dirty_ms.store(oldest, std::memory_order_relaxed);
    return purged;
}

uint32_t buddy_trim() {
    const uint32_t dirty = free_blocks.dirty.load(std::memory_order_relaxed);
    const uint32_t share = buddy_pages_in_use() / most_dirty_share;
    if (dirty <= most_dirty(share > least_dirty_pages ? share : least_dirty_pages)) {
        return 0;
    }
    const uint64_t now_ms = os_now_ms();
    if (now_ms < no_trim_before_ms.load(std::memory_order_relaxed)) {
        return 0;
    }
    Guard guard(zone.lock);
    const uint32_t allowed = regret.allowed(now_ms);
    const uint32_t most = most_dirty(share > allowed ? share : allowed);
    if (dirty <= most) {
        return 0;
    }
    // A little less, so that the next call does not come at once.
    const uint32_t purged = trim_to(most - (most / 4 < trim_step_pages ? most / 4 : trim_step_pages));
    if (purged == 0) {
        no_trim_before_ms.store(now_ms + refusal_ms, std::memory_order_relaxed);
    }
    if (buddy_has_drained()) {
        regret.given_back(purged, now_ms);
    }
    return purged;
}

uint32_t buddy_pages_in_use() {
    return zone.pages.load(std::memory_order_relaxed) - free_blocks.pages.load(std::memory_order_relaxed);
}

bool buddy_has_drained() {
    return buddy_pages_in_use() < most_in_use.load(std::memory_order_relaxed) / drained_share;
}

bool buddy_has_shrunk(uint32_t idle_pages) {
    Guard guard(zone.lock);
    const uint32_t in_use = buddy_pages_in_use();
    const uint32_t live = in_use > idle_pages ? in_use - idle_pages : 0;
    if (live >= recent_in_use.load(std::memory_order_relaxed) / 2) {
        return false;
    }
    recent_in_use.store(live, std::memory_order_relaxed);
    return true;
}

bool buddy_is_at_peak() {
    return buddy_pages_in_use() + peak_slack_pages >= most_in_use.load(std::memory_order_relaxed);
}

bool buddy_took_clean() {
    return took_clean.load(std::memory_order_relaxed) &&
           took_clean.exchange(false, std::memory_order_relaxed);
}

bool buddy_has_grown() {
    const uint32_t fresh = fresh_pages.load(std::memory_order_relaxed);
    if (fresh < growth_pages || fresh < buddy_pages_in_use() / growth_share) {
        return false;
    }
    Guard guard(zone.lock);
    fresh_pages.store(0, std::memory_order_relaxed);
    return true;
}

uint64_t buddy_oldest_dirty_ms() {
    return free_blocks.oldest_dirty_ms.load(std::memory_order_relaxed);
}

} // namespace sb
