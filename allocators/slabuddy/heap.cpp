#include "allocators/slabuddy/heap.hpp"

#include "allocators/slabuddy/area.hpp"
#include "allocators/slabuddy/buddy.hpp"
#include "allocators/slabuddy/check.hpp"
#include "allocators/slabuddy/fork.hpp"
#include "allocators/slabuddy/large.hpp"
#include "allocators/slabuddy/options.hpp"
#include "allocators/slabuddy/slab.hpp"
#include "allocators/slabuddy/stats.hpp"
#include "allocators/slabuddy/zone.hpp"

#include <cerrno>
#include <cstring>

namespace sb {
namespace {

// A block that no layer knows: was it one of ours once?
[[noreturn]] void report_unknown(const char* call, const void* block) {
    const auto address = reinterpret_cast<uintptr_t>(block);
    const uintptr_t page = zone_page_of(address);
    Misuse what = Misuse::foreign;
    if (page < zone.pages.load(std::memory_order_relaxed)) {
        // The pages of a freed block are inside a larger free one, or its head: which block holds this page?
        what = buddy_page_is_free(static_cast<PageIndex>(page)) ? Misuse::double_free : Misuse::interior;
    }
    if (what == Misuse::foreign && area_was_freed(block)) {
        what = Misuse::double_free;
    }
    if (what == Misuse::double_free && strcmp(call, "free") != 0) {
        what = Misuse::use_after_free;
    }
    report_misuse(what, call, block, 0);
}

} // namespace

[[gnu::cold, gnu::noinline]] void* no_memory() {
    errno = ENOMEM;
    return nullptr;
}

[[gnu::noinline]] void* allocate_large(size_t size, size_t alignment, bool zeroed) {
    if (size > static_cast<size_t>(PTRDIFF_MAX)) {
        return no_memory();
    }
    const int saved = errno;
    void* block = large_allocate(size, alignment, zeroed);
    if (!block) {
        return no_memory();
    }
    errno = saved;
    return block;
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
        if (!slab_is_allocated(cls, block)) {
            report_misuse(Misuse::use_after_free, "malloc_usable_size", block, cls);
        }
        integrity_in_use(cls, block, "malloc_usable_size");
        return size_classes[cls].bytes;
    }
    const size_t bytes = large_usable_size(block);
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
        if (!slab_is_allocated(cls, block)) {
            report_misuse(Misuse::use_after_free, "realloc", block, cls);
        }
        integrity_in_use(cls, block, "realloc");
        old_bytes = size_classes[cls].bytes;
        if (size <= most_slab_object_bytes && class_of(size) == cls) {
            return block;
        }
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

[[gnu::noinline]] void release_other(void* block) {
    if (!block) {
        return;
    }
    const int saved = errno;
    if (!large_free(block)) {
        report_unknown("free", block);
    }
    errno = saved;
}

void heap_start(char** environment) {
    options_load(environment);
    thread_cache_start();
    fork_start();
}

void heap_end() {
    if (option(Option::exit_check)) {
        thread_cache_flush();
    }
    if (option(Option::stats)) {
        stats_write_all();
    }
    if (option(Option::check)) {
        if (const char* broken = check_all()) {
            Text line;
            line.add("slabuddy: ").add(broken).add("\n").write();
            report_misuse(Misuse::broken_invariant, "exit", nullptr, 0);
        }
    }
}

} // namespace sb
