// A small correct allocator, in which each library of this folder plants one bug.
//
// Memory comes in regions that begin at a multiple of 1 MiB and hold a header in front. A region is cut into blocks of
// one power of two from 16 bytes to 64 KiB, each aligned to its size; a larger block has a region of its own, which is
// unmapped when it is freed. Free blocks of a size form a list through their first bytes; one lock guards everything.
//
// `Bug` is a struct derived from NoBug that hides one of its functions. Thread-safe, as far as the bug allows.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <malloc.h>
#include <pthread.h>
#include <sys/mman.h>

namespace tiny {

inline constexpr size_t region_bytes = size_t{1} << 20;
inline constexpr size_t header_bytes = 4096;
inline constexpr unsigned class_count = 13;

constexpr size_t class_bytes(unsigned cls) {
    return size_t{16} << cls;
}
constexpr unsigned class_of(size_t size) {
    unsigned cls = 0;
    while (class_bytes(cls) < size) {
        ++cls;
    }
    return cls;
}
constexpr size_t round_up(size_t value, size_t unit) {
    return (value + unit - 1) & ~(unit - 1);
}

struct Free { // in the first bytes of a free block
    Free* next;
};

struct Region { // at the beginning of each region
    size_t block_bytes;
    size_t mapped_bytes;
};

// Everything right. A bug hides one of these.
struct NoBug {
    // A larger block has a region of its own.
    static constexpr size_t largest_class_bytes = class_bytes(class_count - 1); // 64 KiB
    // How far the next block of a region lies behind this one, which is the `n`th that was cut.
    static size_t stride(size_t block_bytes, uint64_t /*n*/) { return block_bytes; }
    // The size of block that serves this alignment, a power of two.
    static size_t bytes_for(size_t alignment, size_t size) { return alignment > size ? alignment : size; }
    static size_t bytes_to_zero(size_t size) { return size; }
    static size_t bytes_to_keep(size_t bytes) { return bytes; } // of a block that moves in realloc
    static size_t usable(size_t block_bytes) { return block_bytes; }
    // What is wasted behind a block that has a region of its own.
    static size_t slack() { return 0; }
    static bool forgets_to_free() { return false; }
    static void after_unmapping() {}
    static constexpr bool prepares_for_fork = true;
    // A block put aside for the next caller, beside the lists and their lock. False: not taken.
    static bool put_aside(Free* /*block*/, unsigned /*cls*/) { return false; }
    static Free* take_aside(unsigned /*cls*/) { return nullptr; }
};

template <typename Bug>
class Tiny {
  public:
    static void* allocate(size_t size) { return allocate_aligned(16, size); }

    static void* allocate_aligned(size_t alignment, size_t size) {
        if (size > static_cast<size_t>(PTRDIFF_MAX) || alignment > static_cast<size_t>(PTRDIFF_MAX) / 2) {
            return no_memory();
        }
        const size_t bytes = Bug::bytes_for(alignment, size);
        if (bytes > Bug::largest_class_bytes) {
            return allocate_region(alignment, size);
        }
        const unsigned cls = class_of(bytes);
        live += class_bytes(cls);
        if (Free* aside = Bug::take_aside(cls)) {
            return aside;
        }
        lock();
        Free* block = free_blocks[cls];
        if (block != nullptr) {
            free_blocks[cls] = block->next;
        } else {
            block = cut(cls);
        }
        unlock();
        return block != nullptr ? block : no_memory();
    }

    static void* allocate_zeroed(size_t size) {
        void* block = allocate(size);
        if (block != nullptr &&
            usable_size(block) <= Bug::largest_class_bytes) { // what is larger comes from the kernel
            memset(block, 0, Bug::bytes_to_zero(size));
        }
        return block;
    }

    static void* reallocate(void* old, size_t size) {
        if (old == nullptr) {
            return allocate(size);
        }
        const size_t room = room_of(old);
        if (size <= room && size > room / 4) {
            return old;
        }
        void* block = allocate(size);
        if (block != nullptr) {
            memcpy(block, old, Bug::bytes_to_keep(size < room ? size : room));
            release(old);
        }
        return block;
    }

    static void release(void* pointer) {
        if (pointer == nullptr || Bug::forgets_to_free()) {
            return;
        }
        Region* region = region_of(pointer);
        if (region->block_bytes > Bug::largest_class_bytes) {
            live -= region->mapped_bytes;
            const int saved = errno;
            munmap(region, region->mapped_bytes);
            errno = saved;
            Bug::after_unmapping();
            return;
        }
        const unsigned cls = class_of(region->block_bytes);
        auto* block = static_cast<Free*>(pointer);
        live -= region->block_bytes;
        if (Bug::put_aside(block, cls)) {
            return;
        }
        lock();
        block->next = free_blocks[cls];
        free_blocks[cls] = block;
        unlock();
    }

    static size_t usable_size(void* block) { return block != nullptr ? Bug::usable(room_of(block)) : 0; }

    static size_t live_bytes() { return live; }

    static void prepare_for_fork() {
        if (Bug::prepares_for_fork) {
            pthread_atfork(lock, unlock, unlock);
        }
    }

  private:
    static void lock() { pthread_mutex_lock(&mutex); }
    static void unlock() { pthread_mutex_unlock(&mutex); }

    static void* no_memory() {
        errno = ENOMEM;
        return nullptr;
    }

    // A block is never at the very beginning of a region, but one with a large alignment may be at its end.
    static Region* region_of(void* block) {
        return reinterpret_cast<Region*>((reinterpret_cast<uintptr_t>(block) - 1) & ~(region_bytes - 1));
    }
    static size_t room_of(void* block) {
        const Region* region = region_of(block);
        if (region->block_bytes <= Bug::largest_class_bytes) {
            return region->block_bytes;
        }
        return reinterpret_cast<uintptr_t>(region) + region->mapped_bytes -
               reinterpret_cast<uintptr_t>(block);
    }

    // `bytes` at a multiple of `alignment`, with a Region right below the 1 MiB boundary that is at or below it.
    static Region* map(size_t bytes, size_t alignment) {
        size_t wanted = 0;
        if (__builtin_add_overflow(bytes, alignment + region_bytes, &wanted)) {
            return nullptr;
        }
        void* mapping =
            mmap(nullptr, wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (mapping == MAP_FAILED) {
            return nullptr;
        }
        const auto begin = reinterpret_cast<uintptr_t>(mapping);
        const uintptr_t offset = alignment > region_bytes ? region_bytes : 0;
        const uintptr_t region =
            round_up(begin + offset, alignment > region_bytes ? alignment : region_bytes) - offset;
        const uintptr_t end = region + bytes;
        if (region > begin) {
            munmap(mapping, region - begin);
        }
        if (begin + wanted > end) {
            munmap(reinterpret_cast<void*>(end), begin + wanted - end);
        }
        auto* made = reinterpret_cast<Region*>(region);
        made->mapped_bytes = bytes;
        return made;
    }

    static void* allocate_region(size_t alignment, size_t size) {
        const size_t before = alignment <= header_bytes  ? header_bytes
                              : alignment < region_bytes ? alignment
                                                         : region_bytes;
        size_t bytes = 0;
        const size_t slack = Bug::slack();
        if (__builtin_add_overflow(size, before + slack + 4095, &bytes)) {
            return no_memory();
        }
        bytes &= ~size_t{4095};
        Region* region = map(bytes, alignment);
        if (region == nullptr) {
            return no_memory();
        }
        memset(reinterpret_cast<char*>(region) + bytes - slack, 1, slack);
        region->block_bytes = SIZE_MAX;
        live += region->mapped_bytes;
        return reinterpret_cast<char*>(region) + before;
    }

    // The next block of the class's newest region; a new region when there is no room. With the lock held.
    static Free* cut(unsigned cls) {
        const size_t bytes = class_bytes(cls);
        if (next_block[cls] == 0 || next_block[cls] + bytes > room_end[cls]) {
            Region* region = map(region_bytes, region_bytes);
            if (region == nullptr) {
                return nullptr;
            }
            region->block_bytes = bytes;
            next_block[cls] =
                reinterpret_cast<uintptr_t>(region) + (bytes > header_bytes ? bytes : header_bytes);
            room_end[cls] = reinterpret_cast<uintptr_t>(region) + region_bytes;
        }
        auto* block = reinterpret_cast<Free*>(next_block[cls]);
        next_block[cls] += Bug::stride(bytes, ++blocks_cut);
        return block;
    }

    static inline pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static inline Free* free_blocks[class_count] = {};
    static inline uintptr_t next_block[class_count] = {};
    static inline uintptr_t room_end[class_count] = {};
    static inline uint64_t blocks_cut = 0;
    static inline std::atomic<size_t> live{0};
};

} // namespace tiny
