#include "allocators/slabuddy/heap.hpp"

#include "allocators/slabuddy/area.hpp"
#include "allocators/slabuddy/barn.hpp"
#include "allocators/slabuddy/buddy.hpp"
#include "allocators/slabuddy/cache.hpp"
#include "allocators/slabuddy/check.hpp"
#include "allocators/slabuddy/debug.hpp"
#include "allocators/slabuddy/fork.hpp"
#include "allocators/slabuddy/formats.hpp"
#include "allocators/slabuddy/large.hpp"
#include "allocators/slabuddy/live.hpp"
#include "allocators/slabuddy/options.hpp"
#include "allocators/slabuddy/slab.hpp"
#include "allocators/slabuddy/zone.hpp"

#include <cerrno>
#include <cstring>

namespace sb {
namespace {

bool in_an_area(uintptr_t address) {
    struct Search {
        uintptr_t address;
        bool found;
    } search = {address, false};
    area_visit(
        [](void* context, uintptr_t begin, size_t bytes) {
            auto& wanted = *static_cast<Search*>(context);
            wanted.found |= wanted.address >= begin && wanted.address - begin < bytes;
        },
        &search);
    return search.found;
}

// A block that no layer knows: was it one of ours once?
[[noreturn]] void report_unknown(const char* call, const void* block) {
    const auto address = reinterpret_cast<uintptr_t>(block);
    const uintptr_t page = zone_page_of(address);
    Misuse what = Misuse::foreign;
    if (const Cache* cache = cache_of(block)) {
        report_misuse(Misuse::wrong_cache, call, block, cache->name, {});
    }
    if (page < zone.pages.load(std::memory_order_relaxed)) {
        // The pages of a freed block are inside a larger free one, or its head: which block holds this page?
        what = buddy_page_is_free(static_cast<PageIndex>(page)) ? Misuse::double_free : Misuse::interior;
    }
    if (what == Misuse::foreign && area_was_freed(block)) {
        what = Misuse::double_free;
    } else if (what == Misuse::foreign && in_an_area(address)) {
        what = Misuse::interior;
    }
    if (what == Misuse::double_free && strcmp(call, "free") != 0) {
        what = Misuse::use_after_free;
    }
    report_misuse(what, call, block, 0);
}

// Reports an object that is free.
void expect_in_use(unsigned cls, const void* block, const char* call) {
    const SlabObject state = slab_look_up(cls, block);
    if (state == SlabObject::none) {
        report_misuse(reinterpret_cast<uintptr_t>(block) % 16 ? Misuse::misaligned : Misuse::interior, call,
                      block, cls);
    }
    if (state == SlabObject::free || (sheaf_has_mark(cls, block) && sheaf_object_is_free(cls, block))) {
        report_misuse(Misuse::use_after_free, call, block, cls);
    }
    integrity_in_use(cls, block, call);
}

} // namespace

[[gnu::cold, gnu::noinline]] void* no_memory() {
    errno = ENOMEM;
    return nullptr;
}

namespace {

[[gnu::noinline]] void* allocate_shared(size_t size, size_t alignment, bool zeroed) {
    if (size > static_cast<size_t>(PTRDIFF_MAX)) {
        return no_memory();
    }
    const int saved = errno;
    void* block =
        debug_mode() ? debug_allocate(size, alignment, zeroed) : large_allocate(size, alignment, zeroed);
    if (!block) {
        return no_memory();
    }
    errno = saved;
    return block;
}

[[gnu::noinline]] void* cleared(void* block, size_t size) {
    return memset(block, 0, size);
}

[[gnu::noinline]] void release_shared(void* block) {
    if (!block) {
        return;
    }
    const int saved = errno;
    thread_cache_make(); // for the next one
    if (!(zone.debug && debug_release(block)) && !large_free(block)) {
        report_unknown("free", block);
    }
    errno = saved;
}

} // namespace

// What a thread keeps for itself, without a stack frame; the rest by tail calls.
[[gnu::noinline]] void* allocate_large(size_t size, size_t alignment, bool zeroed) {
    void* kept = alignment <= page_bytes ? large_pop(size) : nullptr;
    if (!kept) {
        return allocate_shared(size, alignment, zeroed);
    }
    return zeroed ? cleared(kept, size) : kept;
}

[[gnu::noinline]] void release_other(void* block) {
    if (zone.debug || !large_push(block)) {
        release_shared(block);
    }
}

void* allocate_zeroed(size_t size) {
    if (size > most_slab_object_bytes) {
        return allocate_large(size, 16, true);
    }
    void* block = allocate(size);
    return block ? memset(block, 0, size) : nullptr;
}

void* allocate_aligned(size_t alignment, size_t size) {
    if (alignment <= 16) {
        return allocate(size);
    }
    if (zone.debug) {
        return allocate_large(size, alignment, false);
    }
    if (const unsigned cls = class_of_aligned(alignment, size)) {
        return sheaf_pop(cls);
    }
    return allocate_large(size, alignment, false);
}

size_t usable_size(const void* block) {
    if (!block) {
        return 0;
    }
    if (const auto cls = static_cast<unsigned>(owner_of(block))) {
        expect_in_use(cls, block, "malloc_usable_size");
        return size_classes[cls].bytes;
    }
    size_t bytes = 0;
    if (zone.debug && debug_usable_size(block, "malloc_usable_size", bytes)) {
        return bytes;
    }
    bytes = large_usable_size(block);
    if (bytes == 0) {
        report_unknown("malloc_usable_size", block);
    }
    return bytes;
}

void* reallocate(void* block, size_t size) {
    if (!block) {
        return allocate(size);
    }
    size_t old_bytes = 0;
    if (const auto cls = static_cast<unsigned>(owner_of(block))) {
        expect_in_use(cls, block, "realloc");
        old_bytes = size_classes[cls].bytes;
        if (size <= most_slab_object_bytes && class_of(size) == cls) {
            return block;
        }
    } else if (zone.debug && debug_usable_size(block, "realloc", old_bytes)) {
        // Always moved: who keeps the old address is found out.
    } else {
        old_bytes = large_usable_size(block);
        if (old_bytes == 0) {
            report_unknown("realloc", block);
        }
        if (size > static_cast<size_t>(PTRDIFF_MAX)) {
            return no_memory();
        }
        if (size > most_slab_object_bytes) {
            const int saved = errno;
            if (void* resized = large_resize(block, size)) {
                errno = saved;
                return resized;
            }
        }
    }
    void* moved = allocate(size);
    if (!moved) {
        return nullptr;
    }
    memcpy(moved, block, old_bytes < size ? old_bytes : size);
    release(block);
    return moved;
}

void heap_start(char** environment) {
    options_load(environment);
    zone_ready(); // now, while the program has not yet forbidden itself the calls it takes
    thread_cache_start();
    fork_start();
    live_start();
}

void heap_end() {
    if (option(Option::exit_check)) {
        // A second free of what is still in a sheaf or a barn shows when its bit is set twice.
        thread_cache_flush();
        barn_shrink(true);
    }
    if (option(Option::stats)) {
        report_write(standard_error);
    }
    const char* broken = option(Option::check) ? check_all() : (zone.debug ? debug_check() : nullptr);
    if (broken) {
        Text detail;
        detail.add(": ").add(broken);
        report_misuse(Misuse::broken_invariant, "exit", nullptr, nullptr, detail);
    }
}

} // namespace sb
