#include "allocators/slabuddy/buddy.hpp"

#include "allocators/slabuddy/os.hpp"
#include "allocators/slabuddy/regret.hpp"
#include "allocators/slabuddy/zone.hpp"

#include <bit>
#include <cstring>

namespace sb {
namespace {

PageList lists[mobility_count][order_count]; // zone lock
std::atomic<uint32_t> free_pages{0};         // written under the zone lock
std::atomic<uint32_t> dirty_pages{0};        // of the free ones; written under the zone lock
std::atomic<uint64_t> oldest_dirty_ms{UINT64_MAX};
std::atomic<uint64_t> no_trim_before_ms{0};
std::atomic<uint32_t> most_in_use{0}; // pages, ever; written under the zone lock
std::atomic<uint32_t> fresh_pages{
    0}; // clean ones handed out since buddy_has_grown(); written under the zone lock

// What trimming has taught; zone lock.
constinit Regret regret(least_dirty_pages, most_dirty_pages);

constexpr uint32_t pages_of(unsigned order) {
    return uint32_t{1} << order;
}

unsigned order_of(uint32_t pages) {
    return pages <= 1 ? 0 : 32 - static_cast<unsigned>(std::countl_zero(pages - 1));
}

Mobility& pageblock_of(PageIndex page) {
    return zone.blocks[page >> pageblock_order];
}

PageList& list_of(const Page& head) {
    return lists[static_cast<unsigned>(head.mobility)][head.order.load(std::memory_order_relaxed)];
}

uint32_t count_dirty(PageIndex first, uint32_t pages) {
    uint32_t dirty = 0;
    for (uint32_t i = 0; i < pages; ++i) {
        dirty += zone.dirty[first + i];
    }
    return dirty;
}

// Counts the dirty pages of a free block anew, in its head and in the sum; true when there are any.
bool note_dirty(PageIndex page, uint32_t dirty) {
    Page& head = zone.mem_map[page];
    const uint32_t before = head.count.exchange(dirty, std::memory_order_relaxed);
    dirty_pages.store(dirty_pages.load(std::memory_order_relaxed) + dirty - before,
                      std::memory_order_relaxed);
    return dirty > 0;
}

void note_free(int32_t pages) {
    free_pages.store(free_pages.load(std::memory_order_relaxed) + static_cast<uint32_t>(pages),
                     std::memory_order_relaxed);
}

// Clean pages are taken; those that trimming had made clean were better kept.
void note_taken_clean(uint32_t pages) {
    fresh_pages.store(fresh_pages.load(std::memory_order_relaxed) + pages, std::memory_order_relaxed);
    if (regret.may_miss()) {
        regret.taken(pages, os_now_ms());
    }
}

bool is_free(PageIndex page, unsigned order) {
    const Page& head = zone.mem_map[page];
    return head.state.load(std::memory_order_relaxed) == PageState::free &&
           head.order.load(std::memory_order_relaxed) == order;
}

void take_off(PageIndex page) {
    Page& head = zone.mem_map[page];
    list_of(head).remove(page);
    note_free(-static_cast<int32_t>(pages_of(head.order.load(std::memory_order_relaxed))));
    note_dirty(page, 0);
    head.state.store(PageState::inside, std::memory_order_relaxed);
}

void put_on(PageIndex page, unsigned order, uint64_t since_ms) {
    Page& head = zone.mem_map[page];
    head.order.store(static_cast<uint8_t>(order), std::memory_order_relaxed);
    head.mobility = pageblock_of(page);
    head.since_ms = since_ms;
    head.state.store(PageState::free, std::memory_order_relaxed);
    note_free(static_cast<int32_t>(pages_of(order)));
    head.count.store(0, std::memory_order_relaxed);
    if (note_dirty(page, count_dirty(page, pages_of(order)))) {
        list_of(head).push_front(page);
        if (since_ms < oldest_dirty_ms.load(std::memory_order_relaxed)) {
            oldest_dirty_ms.store(since_ms, std::memory_order_relaxed);
        }
    } else {
        list_of(head).push_back(page);
    }
}

// One aligned block becomes free and merges with its buddies. The merged block is as young as its youngest
// part.
void free_block(PageIndex page, unsigned order, uint64_t since_ms) {
    const uint32_t committed = zone.pages.load(std::memory_order_relaxed);
    while (order < max_order) {
        const PageIndex buddy = page ^ pages_of(order);
        if (buddy + pages_of(order) > committed || !is_free(buddy, order)) {
            break;
        }
        const uint64_t its = zone.mem_map[buddy].since_ms;
        take_off(buddy);
        since_ms = its > since_ms ? its : since_ms;
        page &= ~pages_of(order);
        ++order;
    }
    put_on(page, order, since_ms);
}

// A range is a row of aligned blocks; each is the largest that begins there and fits.
void free_range(PageIndex first, uint32_t pages, uint64_t since_ms) {
    while (pages > 0) {
        unsigned order = first == 0 ? max_order : static_cast<unsigned>(std::countr_zero(first));
        const unsigned fits = 31 - static_cast<unsigned>(std::countl_zero(pages));
        order = order < fits ? order : fits;
        order = order < max_order ? order : max_order;
        free_block(first, order, since_ms);
        first += pages_of(order);
        pages -= pages_of(order);
    }
}

// Splits the block just taken off the lists down to `order`; the upper halves become free.
void split(PageIndex page, unsigned from, unsigned order) {
    const uint64_t since_ms = zone.mem_map[page].since_ms;
    while (from > order) {
        --from;
        put_on(page + pages_of(from), from, since_ms);
    }
}

bool is_dirty(PageIndex page) {
    return page != no_page && zone.mem_map[page].count.load(std::memory_order_relaxed) > 0;
}

// The smallest that is dirty, for it has its memory already; else the smallest.
PageIndex take_from(Mobility mobility, unsigned order) {
    unsigned from = order_count;
    for (unsigned o = order; o <= max_order; ++o) {
        const PageIndex page = lists[static_cast<unsigned>(mobility)][o].first();
        if (is_dirty(page)) {
            from = o;
            break;
        }
        from = page != no_page && from == order_count ? o : from;
    }
    if (from == order_count) {
        return no_page;
    }
    const PageIndex page = lists[static_cast<unsigned>(mobility)][from].first();
    take_off(page);
    split(page, from, order);
    return page;
}

// From the other mobility, the largest first, as the kernel falls back; whole pageblocks change sides.
PageIndex steal(Mobility mobility, unsigned order, unsigned least_order) {
    const Mobility other = mobility == Mobility::slab ? Mobility::large : Mobility::slab;
    for (unsigned o = max_order + 1; o-- > (order > least_order ? order : least_order);) {
        const PageIndex page = lists[static_cast<unsigned>(other)][o].first();
        if (page == no_page) {
            continue;
        }
        take_off(page);
        if (o + 1 >= pageblock_order) {
            // Only as many pageblocks as the request needs, at the low end, which is what split() keeps.
            const unsigned kept = order > pageblock_order ? order : pageblock_order;
            for (uint32_t i = 0; i < pages_of(kept < o ? kept : o); i += pages_of(pageblock_order)) {
                pageblock_of(page + i) = mobility;
            }
        }
        split(page, o, order);
        return page;
    }
    return no_page;
}

bool grow(unsigned order, Mobility mobility) {
    const uint32_t old_pages = zone.pages.load(std::memory_order_relaxed);
    const uint32_t aligned = (old_pages + pages_of(order) - 1) & ~(pages_of(order) - 1);
    const uint32_t added = zone_grow(aligned + pages_of(order) - old_pages);
    if (added == 0) {
        return false;
    }
    // A pageblock that is half committed already keeps its kind; pages fresh from the system are clean.
    for (uint32_t i = (old_pages + pages_of(pageblock_order) - 1) & ~(pages_of(pageblock_order) - 1);
         i < old_pages + added; i += pages_of(pageblock_order)) {
        pageblock_of(i) = mobility;
    }
    free_range(old_pages, added, 0);
    return true;
}

PageIndex take_block(unsigned order, Mobility mobility) {
    PageIndex page = take_from(mobility, order);
    if (page == no_page) {
        page = steal(mobility, order, pageblock_order);
    }
    while (page == no_page && grow(order, mobility)) {
        page = take_from(mobility, order);
        if (page == no_page) {
            page = steal(mobility, order, 0);
        }
    }
    return page == no_page ? steal(mobility, order, 0) : page;
}

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

} // namespace

PageIndex buddy_allocate(uint32_t pages, unsigned align_order, Mobility mobility, PageState state) {
    const unsigned fits = order_of(pages);
    const unsigned order = fits > align_order ? fits : align_order;
    if (order > max_order || !zone_ready()) {
        return no_page;
    }
    Guard guard(zone.lock);
    const PageIndex page = take_block(order, mobility);
    if (page == no_page) {
        return no_page;
    }
    Page& head = zone.mem_map[page];
    if (const uint32_t clean = pages - count_dirty(page, pages)) {
        note_taken_clean(clean);
    }
    if (pages_of(order) > pages) {
        free_range(page + pages, pages_of(order) - pages, head.since_ms);
    }
    head.count.store(pages, std::memory_order_relaxed);
    head.order.store(static_cast<uint8_t>(fits), std::memory_order_relaxed);
    head.state.store(state, std::memory_order_relaxed);
    if (const uint32_t in_use = buddy_pages_in_use(); in_use > most_in_use.load(std::memory_order_relaxed)) {
        most_in_use.store(in_use, std::memory_order_relaxed);
    }
    return page;
}

void buddy_free(PageIndex first, uint32_t pages, bool touched) {
    const uint64_t now_ms = touched ? os_now_ms() : 0;
    if (touched) {
        memset(zone.dirty + first, 1, pages);
    }
    Guard guard(zone.lock);
    zone.mem_map[first].state.store(PageState::inside, std::memory_order_relaxed);
    free_range(first, pages, now_ms);
}

void buddy_shrink(PageIndex first, uint32_t pages, uint32_t wanted) {
    const uint64_t now_ms = os_now_ms();
    memset(zone.dirty + first + wanted, 1, pages - wanted);
    Guard guard(zone.lock);
    zone.mem_map[first].count.store(wanted, std::memory_order_relaxed);
    free_range(first + wanted, pages - wanted, now_ms);
}

bool buddy_absorb(PageIndex first, uint32_t pages, uint32_t wanted) {
    Guard guard(zone.lock);
    const PageIndex end = first + wanted;
    if (end > zone.pages.load(std::memory_order_relaxed)) {
        return false;
    }
    PageIndex at = first + pages;
    while (at < end) {
        const Page& head = zone.mem_map[at];
        if (head.state.load(std::memory_order_relaxed) != PageState::free) {
            return false;
        }
        at += pages_of(head.order.load(std::memory_order_relaxed));
    }
    uint64_t since_ms = 0;
    for (at = first + pages; at < end;) {
        const Page& head = zone.mem_map[at];
        since_ms = head.since_ms;
        const uint32_t taken = pages_of(head.order.load(std::memory_order_relaxed));
        take_off(at);
        at += taken;
    }
    free_range(end, at - end, since_ms);
    zone.mem_map[first].count.store(wanted, std::memory_order_relaxed);
    return true;
}

namespace {

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
        for (auto& by_order : lists) {
            PageList& list = by_order[order];
            uint32_t refused = 0;
            for (PageIndex page = list.first(); is_dirty(page) && refused == 0;) {
                if (dirty_pages.load(std::memory_order_relaxed) <= most) {
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

} // namespace

uint32_t buddy_purge(uint64_t until_ms) {
    uint32_t purged = 0;
    uint64_t oldest = UINT64_MAX;
    Guard guard(zone.lock);
    for (auto& by_order : lists) {
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
    oldest_dirty_ms.store(oldest, std::memory_order_relaxed);
    return purged;
}

namespace {

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

uint32_t buddy_trim() {
    const uint32_t dirty = dirty_pages.load(std::memory_order_relaxed);
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
    return zone.pages.load(std::memory_order_relaxed) - free_pages.load(std::memory_order_relaxed);
}

bool buddy_has_drained() {
    return buddy_pages_in_use() < most_in_use.load(std::memory_order_relaxed) / drained_share;
}

bool buddy_has_shrunk(uint32_t idle_pages) {
    return buddy_pages_in_use() < most_in_use.load(std::memory_order_relaxed) / 2 + idle_pages;
}

bool buddy_is_at_peak() {
    return buddy_pages_in_use() + peak_slack_pages >= most_in_use.load(std::memory_order_relaxed);
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

bool buddy_page_is_free(PageIndex page) {
    Guard guard(zone.lock);
    // The head is the nearest head below: a page between it and `page` would be a head itself.
    PageIndex head = page;
    while (head > 0 && zone.mem_map[head].state.load(std::memory_order_relaxed) == PageState::inside) {
        --head;
    }
    const PageState state = zone.mem_map[head].state.load(std::memory_order_relaxed);
    return state == PageState::free || state == PageState::per_cpu;
}

uint64_t buddy_oldest_dirty_ms() {
    return oldest_dirty_ms.load(std::memory_order_relaxed);
}

BuddyFigures buddy_figures() {
    BuddyFigures figures = {};
    Guard guard(zone.lock);
    figures.committed_pages = zone.pages.load(std::memory_order_relaxed);
    figures.free_pages = free_pages.load(std::memory_order_relaxed);
    figures.dirty_pages = dirty_pages.load(std::memory_order_relaxed);
    for (unsigned mobility = 0; mobility < mobility_count; ++mobility) {
        for (unsigned order = 0; order < order_count; ++order) {
            const PageList& list = lists[mobility][order];
            figures.free_blocks[mobility][order] = list.size;
        }
    }
    for (PageIndex page = 0; page < figures.committed_pages;) {
        const Page& head = zone.mem_map[page];
        const PageState state = head.state.load(std::memory_order_relaxed);
        const bool is_free = state == PageState::free;
        const uint32_t pages = is_free ? pages_of(head.order.load(std::memory_order_relaxed))
                                       : head.count.load(std::memory_order_relaxed);
        figures.large_pages += state == PageState::large ? pages : 0;
        figures.slab_pages += state == PageState::slab ? pages : 0;
        page += pages;
    }
    return figures;
}

const char* buddy_check() {
    Guard guard(zone.lock);
    const uint32_t committed = zone.pages.load(std::memory_order_relaxed);
    uint32_t counted_free = 0;
    uint32_t counted_dirty = 0;
    uint32_t counted_blocks[mobility_count][order_count] = {};
    for (PageIndex page = 0; page < committed;) {
        const Page& head = zone.mem_map[page];
        const PageState state = head.state.load(std::memory_order_relaxed);
        const unsigned order = head.order.load(std::memory_order_relaxed);
        if (state == PageState::inside) {
            return "buddy: a page belongs to no block";
        }
        if (order > max_order) {
            return "buddy: an order above the largest";
        }
        if (state != PageState::free) {
            page += head.count.load(std::memory_order_relaxed);
            continue;
        }
        if (page % pages_of(order) != 0) {
            return "buddy: a free block is not aligned to its size";
        }
        const PageIndex buddy = page ^ pages_of(order);
        if (order < max_order && buddy + pages_of(order) <= committed && is_free(buddy, order)) {
            return "buddy: two free buddies are not merged";
        }
        const uint32_t dirty = count_dirty(page, pages_of(order));
        if (dirty != head.count.load(std::memory_order_relaxed)) {
            return "buddy: the count of a block's dirty pages is wrong";
        }
        counted_dirty += dirty;
        counted_free += pages_of(order);
        ++counted_blocks[static_cast<unsigned>(head.mobility)][order];
        page += pages_of(order);
    }
    if (counted_free != free_pages.load(std::memory_order_relaxed) ||
        counted_dirty != dirty_pages.load(std::memory_order_relaxed)) {
        return "buddy: the count of free pages is wrong";
    }
    for (unsigned mobility = 0; mobility < mobility_count; ++mobility) {
        for (unsigned order = 0; order < order_count; ++order) {
            if (counted_blocks[mobility][order] != lists[mobility][order].size) {
                return "buddy: a free list and the descriptors disagree";
            }
        }
    }
    return nullptr;
}

} // namespace sb
