#include "allocators/slabuddy/page.hpp"

#include "allocators/slabuddy/report.hpp"
#include "allocators/slabuddy/zone.hpp"

namespace sb {
namespace {

bool links(PageIndex from, PageIndex Page::*way, PageIndex to) {
    return from < zone.pages.load(std::memory_order_relaxed) && zone.mem_map[from].*way == to;
}

} // namespace

void PageList::push_front(PageIndex page) {
    Page& pushed = zone.mem_map[page];
    pushed.prev = no_page;
    pushed.next = first();
    if (first() == no_page) {
        inverse_last_ = ~page;
    } else {
        zone.mem_map[first()].prev = page;
    }
    inverse_first_ = ~page;
    ++size;
}

void PageList::push_back(PageIndex page) {
    Page& pushed = zone.mem_map[page];
    pushed.next = no_page;
    pushed.prev = last();
    if (last() == no_page) {
        inverse_first_ = ~page;
    } else {
        zone.mem_map[last()].next = page;
    }
    inverse_last_ = ~page;
    ++size;
}

void PageList::remove(PageIndex page) {
    const Page& removed = zone.mem_map[page];
    const bool links_meet =
        (removed.prev == no_page ? first() == page : links(removed.prev, &Page::next, page)) &&
        (removed.next == no_page ? last() == page : links(removed.next, &Page::prev, page));
    if (__builtin_expect(!links_meet, 0)) {
        Text detail;
        detail.add(": the neighbours in a list of pages do not link to this one");
        report_misuse(Misuse::broken_invariant, "list", reinterpret_cast<void*>(page_address(page)), nullptr,
                      detail);
    }
    if (removed.prev == no_page) {
        inverse_first_ = ~removed.next;
    } else {
        zone.mem_map[removed.prev].next = removed.next;
    }
    if (removed.next == no_page) {
        inverse_last_ = ~removed.prev;
    } else {
        zone.mem_map[removed.next].prev = removed.prev;
    }
    --size;
}

} // namespace sb
