#include "allocators/slabuddy/buddy_lists.hpp"

namespace sb {

constinit FreeBlocks free_blocks;

namespace {

PageList& list_of(const Page& head) {
    return free_blocks
        .lists[static_cast<unsigned>(head.mobility)][head.order.load(std::memory_order_relaxed)];
}

void note_free(int32_t pages) {
    free_blocks.pages.store(free_blocks.pages.load(std::memory_order_relaxed) + static_cast<uint32_t>(pages),
                            std::memory_order_relaxed);
}

} // namespace

uint32_t count_dirty(PageIndex first, uint32_t pages) {
    uint32_t dirty = 0;
    for (uint32_t i = 0; i < pages; ++i) {
        dirty += zone.dirty[first + i];
    }
    return dirty;
}

bool note_dirty(PageIndex page, uint32_t dirty) {
    Page& head = zone.mem_map[page];
    const uint32_t before = head.count.exchange(dirty, std::memory_order_relaxed);
    free_blocks.dirty.store(free_blocks.dirty.load(std::memory_order_relaxed) + dirty - before,
                            std::memory_order_relaxed);
    return dirty > 0;
}

void take_off_list(PageIndex page) {
    Page& head = zone.mem_map[page];
    list_of(head).remove(page);
    note_free(-static_cast<int32_t>(pages_of(head.order.load(std::memory_order_relaxed))));
    note_dirty(page, 0);
    head.state.store(PageState::inside, std::memory_order_relaxed);
}

void put_on_list(PageIndex page, unsigned order, uint64_t since_ms) {
    Page& head = zone.mem_map[page];
    head.order.store(static_cast<uint8_t>(order), std::memory_order_relaxed);
    head.mobility = zone.blocks[page >> pageblock_order];
    head.since_ms = since_ms;
    head.state.store(PageState::free, std::memory_order_relaxed);
    note_free(static_cast<int32_t>(pages_of(order)));
    head.count.store(0, std::memory_order_relaxed);
    if (note_dirty(page, count_dirty(page, pages_of(order)))) {
        list_of(head).push_front(page);
        if (since_ms < free_blocks.oldest_dirty_ms.load(std::memory_order_relaxed)) {
            free_blocks.oldest_dirty_ms.store(since_ms, std::memory_order_relaxed);
        }
    } else {
        list_of(head).push_back(page);
    }
}

} // namespace sb
