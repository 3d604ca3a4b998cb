#include "allocators/slabuddy/buddy_lists.hpp"
#include "allocators/slabuddy/os.hpp"

#include <bit>
#include <cstring>

namespace sb {
namespace {

unsigned order_of(uint32_t pages) {
    return pages <= 1 ? 0 : 32 - static_cast<unsigned>(std::countl_zero(pages - 1));
}

Mobility& pageblock_of(PageIndex page) {
    return zone.blocks[page >> pageblock_order];
}

// One aligned block becomes free and merges with its buddies. The merged block is as young as its youngest
// part.
void free_block(PageIndex page, unsigned order, uint64_t since_ms) {
    const uint32_t committed = zone.pages.load(std::memory_order_relaxed);
    while (order < max_order) {
        const PageIndex buddy = page ^ pages_of(order);
        if (buddy + pages_of(order) > committed || !is_free_block(buddy, order)) {
            break;
        }
        const uint64_t its = zone.mem_map[buddy].since_ms;
        take_off_list(buddy);
        since_ms = its > since_ms ? its : since_ms;
        page &= ~pages_of(order);
        ++order;
    }
    put_on_list(page, order, since_ms);
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
        put_on_list(page + pages_of(from), from, since_ms);
    }
}

// The smallest that is dirty, for it has its memory already; else the smallest.
PageIndex take_from(Mobility mobility, unsigned order) {
    unsigned from = order_count;
    for (unsigned o = order; o <= max_order; ++o) {
        const PageIndex page = free_blocks.lists[static_cast<unsigned>(mobility)][o].first();
        if (is_dirty(page)) {
            from = o;
            break;
        }
        from = page != no_page && from == order_count ? o : from;
    }
    if (from == order_count) {
        return no_page;
    }
    const PageIndex page = free_blocks.lists[static_cast<unsigned>(mobility)][from].first();
    take_off_list(page);
    split(page, from, order);
    return page;
}

// From the other mobility, the largest first, as the kernel falls back; whole pageblocks change sides.
PageIndex steal(Mobility mobility, unsigned order, unsigned least_order) {
    const Mobility other = mobility == Mobility::slab ? Mobility::large : Mobility::slab;
    for (unsigned o = max_order + 1; o-- > (order > least_order ? order : least_order);) {
        const PageIndex page = free_blocks.lists[static_cast<unsigned>(other)][o].first();
        if (page == no_page) {
            continue;
        }
        take_off_list(page);
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
    const uint32_t clean = pages - count_dirty(page, pages);
    if (pages_of(order) > pages) {
        free_range(page + pages, pages_of(order) - pages, head.since_ms);
    }
    head.count.store(pages, std::memory_order_relaxed);
    head.order.store(static_cast<uint8_t>(fits), std::memory_order_relaxed);
    head.state.store(state, std::memory_order_relaxed);
    buddy_note_taken(clean);
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
        take_off_list(at);
        at += taken;
    }
    free_range(end, at - end, since_ms);
    zone.mem_map[first].count.store(wanted, std::memory_order_relaxed);
    return true;
}

} // namespace sb
