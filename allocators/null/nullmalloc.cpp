// The null allocator: bump, never free. See README.md for what it is for; the fast path must stay a handful
// of instructions, and the arena must cost no page fault inside the populated part.
//
// Layout of a block: [size: 8 bytes][user bytes], the user pointer 16-aligned as the ABI asks. Memory comes
// from mmap and is never handed out twice, so it is always zero and calloc is malloc.

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <malloc.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

namespace {

constexpr size_t header_bytes = 8;
constexpr size_t huge_page_bytes = size_t{2} << 20;
constexpr size_t chunk_bytes = size_t{256} << 10;
constexpr size_t direct_bytes = chunk_bytes / 4; // larger blocks come straight from the arena
constexpr size_t arena_wanted_bytes = size_t{1} << 40;
constexpr size_t arena_least_bytes = size_t{16} << 20;
constexpr size_t populate_default_bytes = size_t{64} << 20;

enum class Stage : int { untouched, being_made, ready, refused };

std::atomic<Stage> stage{Stage::untouched};
std::atomic<uintptr_t> arena_next{0}; // multiple of 16
uintptr_t arena_begin = 0;
uintptr_t arena_end = 0;

// What this thread may still bump through; `next` is 8 below a multiple of 16, so that what follows the
// header is aligned. Both are zero in a new thread, which takes the slow path by itself.
thread_local uintptr_t next = 0;
thread_local uintptr_t end = 0;

// Reserves the arena, halving what is asked for until the limits (RLIMIT_AS, overcommit) let it pass.
bool make_arena() {
    for (size_t bytes = arena_wanted_bytes; bytes >= arena_least_bytes; bytes /= 2) {
        void* map =
            mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (map == MAP_FAILED) {
            continue;
        }
        madvise(map, bytes, MADV_HUGEPAGE); // a kernel without huge pages says no, and small pages do
        const auto address = reinterpret_cast<uintptr_t>(map);
        arena_begin = (address + huge_page_bytes - 1) & ~(huge_page_bytes - 1);
        arena_end = address + bytes;
        arena_next.store(arena_begin, std::memory_order_relaxed);
        return true;
    }
    return false;
}

bool arena_is_ready() {
    Stage seen = stage.load(std::memory_order_acquire);
    while (seen != Stage::ready) {
        if (seen == Stage::refused) {
            return false;
        }
        if (seen == Stage::untouched && stage.compare_exchange_strong(seen, Stage::being_made)) {
            stage.store(make_arena() ? Stage::ready : Stage::refused, std::memory_order_release);
        } else {
            sched_yield();
        }
        seen = stage.load(std::memory_order_acquire);
    }
    return true;
}

// `bytes` of fresh memory, 16-aligned, or 0.
uintptr_t take_from_arena(size_t bytes) {
    if (!arena_is_ready() || bytes > arena_end - arena_begin) {
        return 0;
    }
    // A loop, not an addition: a request that does not fit must leave the rest to smaller ones.
    uintptr_t at = arena_next.load(std::memory_order_relaxed);
    do {
        if (bytes > arena_end - at) {
            return 0;
        }
    } while (!arena_next.compare_exchange_weak(at, at + bytes, std::memory_order_relaxed));
    return at;
}

void* make_block(uintptr_t user, size_t size) {
    reinterpret_cast<size_t*>(user)[-1] = size;
    return reinterpret_cast<void*>(user);
}

size_t& size_of(void* block) {
    return static_cast<size_t*>(block)[-1];
}

// Blocks that are large or aligned, straight from the arena.
void* allocate_direct(size_t alignment, size_t size) {
    size_t bytes = 0;
    if (size > static_cast<size_t>(PTRDIFF_MAX) || __builtin_add_overflow(size, alignment + 31, &bytes)) {
        errno = ENOMEM;
        return nullptr;
    }
    const uintptr_t at = take_from_arena(bytes & ~size_t{15});
    if (at == 0) {
        errno = ENOMEM;
        return nullptr;
    }
    return make_block((at + header_bytes + alignment - 1) & ~(alignment - 1), size);
}

[[gnu::noinline]] void* allocate_slowly(size_t size) {
    if (size > direct_bytes) {
        return allocate_direct(16, size);
    }
    const uintptr_t chunk = take_from_arena(chunk_bytes);
    if (chunk == 0) {
        errno = ENOMEM;
        return nullptr;
    }
    next = chunk + header_bytes;
    end = chunk + chunk_bytes;
    const uintptr_t user = next + header_bytes;
    next += (size + header_bytes + 15) & ~size_t{15};
    return make_block(user, size);
}

// "256M" to bytes; false when it is not a number with an optional K, M, G.
bool parse_bytes(const char* text, size_t& bytes) {
    constexpr size_t most = arena_wanted_bytes;
    size_t value = 0;
    const char* at = text;
    for (; *at >= '0' && *at <= '9'; ++at) {
        value = value * 10 + static_cast<size_t>(*at - '0');
        if (value > most) {
            return false;
        }
    }
    if (at == text) {
        return false;
    }
    unsigned shift = 0;
    if (*at == 'K' || *at == 'k') {
        shift = 10;
    } else if (*at == 'M' || *at == 'm') {
        shift = 20;
    } else if (*at == 'G' || *at == 'g') {
        shift = 30;
    }
    at += shift != 0;
    if (*at != '\0' || value > (most >> shift)) {
        return false;
    }
    bytes = value << shift;
    return true;
}

void populate(size_t bytes) {
    const size_t room = arena_end - arena_begin;
    bytes = (bytes < room ? bytes : room) & ~size_t{4095};
    auto* first = reinterpret_cast<volatile char*>(arena_begin);
    if (bytes == 0 || madvise(reinterpret_cast<void*>(arena_begin), bytes, MADV_POPULATE_WRITE) == 0) {
        return;
    }
    if (errno != EINVAL) {
        return; // no memory left for it: pages come on touch, or not at all
    }
    for (size_t offset = 0; offset < bytes;
         offset += 4096) { // before Linux 5.14; keeps what blocks already hold
        first[offset] = first[offset];
    }
}

// glibc passes the environment to constructors, so nothing depends on whether libc's own is set up yet.
[[gnu::constructor]] void populate_at_load(int /*argc*/, char** /*argv*/, char** environment) {
    size_t bytes = populate_default_bytes;
    static constexpr char name[] = "NULLMALLOC_POPULATE=";
    for (char** entry = environment; entry && *entry; ++entry) {
        if (strncmp(*entry, name, sizeof name - 1) == 0 && !parse_bytes(*entry + sizeof name - 1, bytes)) {
            static constexpr char message[] =
                "nullmalloc: NULLMALLOC_POPULATE is not a size; write bytes with an optional K, M or G "
                "(at most 1024G), such as 256M; 64M is used\n";
            [[maybe_unused]] ssize_t written = write(2, message, sizeof message - 1);
        }
    }
    if (arena_is_ready()) {
        populate(bytes);
    }
}

} // namespace

namespace backend {

[[gnu::always_inline]] inline void* allocate(size_t size) {
    const uintptr_t at = next;
    if (__builtin_expect(size > direct_bytes, 0)) {
        return allocate_slowly(size);
    }
    const uintptr_t after = at + ((size + header_bytes + 15) & ~size_t{15});
    if (__builtin_expect(after > end, 0)) {
        return allocate_slowly(size);
    }
    next = after;
    return make_block(at + header_bytes, size);
}

inline void* allocate_zeroed(size_t size) {
    return allocate(size);
}

inline void* allocate_aligned(size_t alignment, size_t size) {
    return alignment <= 16 ? allocate(size) : allocate_direct(alignment, size);
}

inline void* reallocate(void* old, size_t size) {
    if (!old) {
        return allocate(size);
    }
    const size_t old_size = size_of(old);
    if (size <= old_size && size > 0) {
        // Kept in place; the size stays, for the room does too.
        return old;
    }
    void* block = allocate(size);
    return block ? memcpy(block, old, old_size < size ? old_size : size) : nullptr;
}

inline void release(void* /*block*/) {}
inline void release_sized(void* /*block*/, size_t /*size*/) {}

inline size_t usable_size(void* block) {
    return block ? size_of(block) : 0;
}

inline size_t page_size() {
    return static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

// Chunks count as used as soon as a thread takes them: nothing here looks at other threads' state.
inline struct mallinfo2 info() {
    struct mallinfo2 figures = {};
    figures.arena = arena_next.load(std::memory_order_relaxed) - arena_begin;
    figures.uordblks = figures.arena;
    return figures;
}

inline int write_info(FILE* stream) {
    return fprintf(stream,
                   "<malloc version=\"nullmalloc-1\"><system type=\"current\" size=\"%zu\"/></malloc>\n",
                   info().arena) < 0
               ? -1
               : 0;
}

inline void write_stats() {
    fprintf(stderr, "nullmalloc: %zu bytes taken, none given back\n", info().arena);
}

inline bool trim(size_t /*pad*/) {
    return false;
}

inline bool set_option(int /*parameter*/, int /*value*/) {
    return false;
}

} // namespace backend

#include "allocators/family/malloc_family.inl"
