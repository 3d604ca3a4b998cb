#include "allocators/slabuddy/meta.hpp"

#include "allocators/slabuddy/os.hpp"

#include <cstdint>

namespace sb {
namespace {

// Mapped in one piece, touched as needed.
constexpr size_t chunk_bytes = size_t{1} << 20;

uintptr_t next = 0;
uintptr_t end = 0;
std::atomic<size_t> mapped{0};

} // namespace

constinit Lock meta_lock;

void* meta_allocate(size_t bytes, size_t alignment) {
    Guard guard(meta_lock);
    uintptr_t at = (next + alignment - 1) & ~(alignment - 1);
    if (next == 0 || at + bytes > end) {
        const size_t wanted = bytes > chunk_bytes ? (bytes + 4095) & ~size_t{4095} : chunk_bytes;
        void* chunk = os_map(wanted);
        if (!chunk) {
            return nullptr;
        }
        mapped.fetch_add(wanted, std::memory_order_relaxed);
        at = reinterpret_cast<uintptr_t>(chunk);
        end = at + wanted;
    }
    next = at + bytes;
    return reinterpret_cast<void*>(at);
}

size_t meta_mapped_bytes() {
    return mapped.load(std::memory_order_relaxed);
}

} // namespace sb
