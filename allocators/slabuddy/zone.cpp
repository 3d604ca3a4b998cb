#include "allocators/slabuddy/zone.hpp"

#include "allocators/slabuddy/options.hpp"
#include "allocators/slabuddy/os.hpp"

#include <sched.h>

namespace sb {

constinit Zone zone;

namespace {

enum class Stage : uint8_t { untouched, being_made, ready };
constinit std::atomic<Stage> stage{Stage::untouched};

constexpr size_t largest_block_bytes = page_bytes << max_order;

// An array of the zone's book-keeping: `bytes_for(n)` for the first n zone pages.
struct Array {
    void** where;
    size_t bytes_per_page;  // of each zone page
    size_t pages_per_entry; // or one byte for so many zone pages, when bytes_per_page is 0
};

constexpr size_t array_count = 6;
constexpr size_t owner_array = 1;
void fill_arrays(Array (&arrays)[array_count]) {
    arrays[0] = {reinterpret_cast<void**>(&zone.mem_map), sizeof(Page), 1};
    arrays[owner_array] = {reinterpret_cast<void**>(&zone.owner), sizeof *zone.owner, 1};
    arrays[2] = {reinterpret_cast<void**>(&zone.occupancy), words_per_page * sizeof(uint64_t), 1};
    arrays[3] = {reinterpret_cast<void**>(&zone.dirty), 1, 1};
    arrays[4] = {reinterpret_cast<void**>(&zone.blocks), 0, size_t{1} << pageblock_order};
    arrays[5] = {reinterpret_cast<void**>(&zone.states), checked ? page_bytes / 16 : 0, 0};
}

size_t bytes_for(const Array& array, size_t pages) {
    size_t bytes = array.bytes_per_page * pages;
    if (array.bytes_per_page == 0 && array.pages_per_entry != 0) {
        bytes = pages / array.pages_per_entry + 1;
    }
    const size_t system_page = os_page_bytes();
    return (bytes + system_page - 1) & ~(system_page - 1);
}

bool reserve(size_t bytes) {
    const auto pages = static_cast<uint32_t>(bytes >> page_shift);
    void* space = os_reserve(bytes + largest_block_bytes);
    if (!space) {
        return false;
    }
    Array arrays[array_count];
    fill_arrays(arrays);
    for (size_t i = 0; i < array_count; ++i) {
        const size_t wanted = bytes_for(arrays[i], pages);
        *arrays[i].where = wanted ? os_reserve(wanted) : nullptr;
        if (wanted && !*arrays[i].where) {
            while (i-- > 0) {
                if (const size_t given = bytes_for(arrays[i], pages)) {
                    os_unmap(*arrays[i].where, given);
                }
            }
            os_unmap(space, bytes + largest_block_bytes);
            return false;
        }
    }
    if (!os_commit(zone.owner, bytes_for(arrays[owner_array], pages))) {
        for (const Array& array : arrays) {
            if (*array.where) {
                os_unmap(*array.where, bytes_for(array, pages));
            }
        }
        os_unmap(space, bytes + largest_block_bytes);
        return false;
    }
    const auto address = reinterpret_cast<uintptr_t>(space);
    zone.base = (address + largest_block_bytes - 1) & ~(largest_block_bytes - 1);
    zone.noise = zone.base ^ os_now_ms() << 40; // where the system put it, and when
    zone.limit = pages;
    zone.debug = option(Option::debug) != 0;
    if (zone.debug) {
        option_set(Option::area_cache, 0); // what is freed is unmapped at once
    }
    return true;
}

bool make_zone() {
    options_load(nullptr); // unless the constructor was here before the first allocation
    size_t bytes = option(Option::zone_bytes);
    const size_t limit = os_address_space_limit();
    if (limit != SIZE_MAX && bytes > limit / 2) {
        bytes = limit / 2;
    }
    bytes &= ~(largest_block_bytes - 1);
    for (; bytes >= zone_least_bytes; bytes = (bytes / 2) & ~(largest_block_bytes - 1)) {
        if (reserve(bytes)) {
            return true;
        }
    }
    return false;
}

// Commits what an array lacks to describe `to` pages; committing again what is committed already does no
// harm.
bool commit_array(const Array& array, uint32_t from, uint32_t to) {
    const size_t system_page = os_page_bytes();
    const size_t begin = from == 0 ? 0 : bytes_for(array, from) - system_page;
    const size_t end = bytes_for(array, to);
    return end <= begin || os_commit(static_cast<char*>(*array.where) + begin, end - begin);
}

} // namespace

bool zone_is_ready() {
    return stage.load(std::memory_order_acquire) == Stage::ready;
}

bool zone_ready() {
    Stage seen = stage.load(std::memory_order_acquire);
    while (seen != Stage::ready) {
        if (seen == Stage::untouched && stage.compare_exchange_strong(seen, Stage::being_made)) {
            // Refused today is not refused for ever: the next allocation asks again.
            const bool made = make_zone();
            stage.store(made ? Stage::ready : Stage::untouched, std::memory_order_release);
            if (!made) {
                return false;
            }
        } else {
            sched_yield();
        }
        seen = stage.load(std::memory_order_acquire);
    }
    return true;
}

uint32_t zone_grow(uint32_t pages) {
    const uint32_t old_pages = zone.pages.load(std::memory_order_relaxed);
    const uint32_t room = static_cast<uint32_t>(zone.limit) - old_pages;
    if (pages > room) {
        return 0;
    }
    constexpr uint32_t first_step = first_commit_bytes >> page_shift;
    constexpr uint32_t most_step = most_commit_step_bytes >> page_shift;
    uint32_t step = old_pages < first_step ? first_step : (old_pages > most_step ? most_step : old_pages);
    step = step < pages ? pages : step;
    step = step > room ? room : step;
    // Under a limit the generous step may fail where the modest one does not.
    for (const uint32_t attempt : {step, pages}) {
        Array arrays[array_count];
        fill_arrays(arrays);
        bool committed = os_commit(reinterpret_cast<void*>(page_address(old_pages)), attempt * page_bytes);
        for (const Array& array : arrays) {
            committed = committed && (!*array.where || commit_array(array, old_pages, old_pages + attempt));
        }
        if (committed) {
            zone.pages.store(old_pages + attempt, std::memory_order_release);
            return attempt;
        }
    }
    return 0;
}

} // namespace sb
