// Using a block that is free already.
#include "workloads/stress/blocks.hpp"
#include "workloads/stress/misuse/aftermath.hpp"
#include "workloads/stress/misuse/tables.hpp"
#include "workloads/stress/voice.hpp"

#include <cstdlib>
#include <cstring>
#include <malloc.h>

namespace faultline::stress::misuse {
namespace {

constexpr std::size_t small = 104;
constexpr std::size_t large = 200'000;

// Where an attacker wants the allocator to hand out memory.
alignas(64) unsigned char chosen[4096];

// Many allocators link free blocks through their first words.
void write_after_free(const Task& /*task*/) {
    auto** block = static_cast<void**>(opaque(std::malloc(small)));
    std::free(opaque(std::malloc(small)));
    std::free(block);
    block = opaque(block);
    block[0] = chosen + 64;
    block[1] = chosen + 64;
    survived();
    for (unsigned i = 0; i < 20; ++i) {
        const void* given = opaque(std::malloc(small));
        if (given >= chosen && given < chosen + sizeof chosen) {
            corrupted("malloc handed out an address that was written into a free block");
            return;
        }
    }
    go_on(small);
}

// Frees the block and takes some until the same memory comes back; null when it does not.
void* reused(void* block, std::size_t size) {
    std::free(block);
    for (unsigned i = 0; i < 64; ++i) {
        void* next = opaque(std::malloc(size));
        if (next == opaque(block)) {
            return next;
        }
    }
    return nullptr;
}

void write_after_free_reuse(const Task& /*task*/) {
    auto* block = static_cast<unsigned char*>(opaque(std::malloc(small)));
    auto* owned = static_cast<unsigned char*>(reused(block, small));
    if (owned != nullptr) {
        write_pattern(owned, small, 1);
    }
    std::memset(opaque(block), 0x41, small);
    survived();
    if (owned != nullptr && first_unlike(owned, small, 1) != no_such_byte) {
        corrupted("a stale pointer changed what belongs to another owner");
    }
    std::free(owned);
    go_on(small);
}

void read_after_free(const Task& /*task*/) {
    auto* block = static_cast<unsigned char*>(opaque(std::malloc(large)));
    write_pattern(block, large, 1);
    std::free(block);
    block = opaque(block);
    if (first_unlike(block + large / 2, 64, 1) == no_such_byte) {
        note("what was in the block can still be read"); // no harm in itself
    }
    opaque(block[large / 2]);
}

void read_after_free_reuse(const Task& /*task*/) {
    auto* block = static_cast<unsigned char*>(opaque(std::malloc(small)));
    auto* owned = static_cast<unsigned char*>(reused(block, small));
    if (owned != nullptr) {
        write_pattern(owned, small, 1);
    }
    if (first_unlike(opaque(block), small, 1) == no_such_byte) {
        corrupted("a stale pointer read what belongs to another owner");
    }
}

void realloc_freed(std::size_t size) {
    void* block = opaque(std::malloc(size));
    std::free(block);
    void* moved = opaque(std::realloc(opaque(block), size * 2));
    go_on(size, moved, size * 2);
}

void usable_size_of_freed(const Task& /*task*/) {
    void* block = opaque(std::malloc(small));
    std::free(block);
    figure("usable_bytes", ::malloc_usable_size(opaque(block)));
}

constexpr Check checks[] = {
    {"misuse.write-after-free", "two words of a free block are overwritten", "", write_after_free},
    {"misuse.write-after-free-reuse", "a block is written through a stale pointer when another has it", "",
     write_after_free_reuse},
    {"misuse.read-after-free", "a block of 200 kB is read after it was freed", "", read_after_free},
    {"misuse.read-after-free-reuse", "a block is read through a stale pointer when another has it", "",
     read_after_free_reuse},
    {"misuse.realloc-of-freed-small", "a free block of 104 bytes is given to realloc", "",
     [](const Task&) { realloc_freed(small); }},
    {"misuse.realloc-of-freed-large", "a free block of 200 kB is given to realloc", "",
     [](const Task&) { realloc_freed(large); }},
    {"misuse.usable-size-of-freed", "the usable size of a free block is asked for", "", usable_size_of_freed},
};

} // namespace

std::span<const Check> after_free_checks() {
    return checks;
}

} // namespace faultline::stress::misuse
