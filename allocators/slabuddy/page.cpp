#include "allocators/slabuddy/page.hpp"

#include "allocators/slabuddy/zone.hpp"

namespace sb {

void PageList::push_front(PageIndex page) {
    Page& pushed = zone.mem_map[page];
    pushed.prev = no_page;
    pushed.next = first;
    (first == no_page ? last : zone.mem_map[first].prev) = page;
    first = page;
    ++size;
}

void PageList::push_back(PageIndex page) {
    Page& pushed = zone.mem_map[page];
    pushed.next = no_page;
    pushed.prev = last;
    (last == no_page ? first : zone.mem_map[last].next) = page;
    last = page;
    ++size;
}

void PageList::remove(PageIndex page) {
    const Page& removed = zone.mem_map[page];
    (removed.prev == no_page ? first : zone.mem_map[removed.prev].next) = removed.next;
    (removed.next == no_page ? last : zone.mem_map[removed.next].prev) = removed.prev;
    --size;
}

} // namespace sb
