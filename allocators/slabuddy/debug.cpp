#include "allocators/slabuddy/debug.hpp"

#include "allocators/slabuddy/area.hpp"
#include "allocators/slabuddy/cache.hpp"
#include "allocators/slabuddy/large.hpp"
#include "allocators/slabuddy/redzone.hpp"
#include "allocators/slabuddy/report.hpp"
#include "allocators/slabuddy/size_classes.hpp"

#include <bit>

namespace sb {
namespace {

constexpr unsigned alignment_count = 12; // 16 bytes to 32 KiB
static_assert((size_t{16} << (alignment_count - 1)) == most_slab_object_bytes);

// Made when first asked for; two threads may make one twice, and the second stays unused.
constinit std::atomic<Cache*> caches[class_table_size][alignment_count];

Cache* cache_for(unsigned cls, size_t alignment) {
    auto& entry = caches[cls][std::countr_zero(alignment) - 4];
    if (Cache* made = entry.load(std::memory_order_acquire)) {
        return made;
    }
    Text name;
    name.add("kmalloc-").add_number(size_classes[cls].bytes);
    if (alignment > 16) {
        name.add("-aligned-").add_number(alignment);
    }
    Cache* cache = cache_create(name.c_str(), size_classes[cls].bytes, alignment, nullptr, true);
    Cache* expected = nullptr;
    if (cache && !entry.compare_exchange_strong(expected, cache, std::memory_order_acq_rel)) {
        cache_destroy(cache);
        cache = expected;
    }
    return cache;
}

void look_at_area(const char* block, size_t bytes, const char* call) {
    const Damage damage = redzone_look_above(block, bytes);
    if (damage.found) {
        Text detail;
        detail.add(": byte ").add_number(damage.offset).add(" of ").add_number(damage.asked_bytes);
        detail.add(" is ").add_hex(damage.value);
        report_misuse(Misuse::overflow, call, block, nullptr, detail);
    }
}

} // namespace

void* debug_allocate(size_t size, size_t alignment, bool zeroed) {
    if (size <= most_slab_object_bytes && alignment <= most_slab_object_bytes) {
        Cache* cache = cache_for(class_of(size), alignment);
        return cache ? cache_allocate(cache, size) : nullptr;
    }
    void* block = debug_allocate_alone(size, alignment, zeroed);
    return block ? block : large_allocate(size, alignment, zeroed); // out of map entries: unguarded
}

void* debug_allocate_alone(size_t size, size_t alignment, bool zeroed) {
    size_t whole = 0;
    if (__builtin_add_overflow(size, redzone_bytes, &whole)) {
        return nullptr;
    }
    if (auto* block = static_cast<char*>(area_allocate(whole, alignment, zeroed))) {
        redzone_set(block, area_size(block), size);
        return block;
    }
    return nullptr;
}

bool debug_release(void* block) {
    if (Cache* cache = cache_of(block); cache && cache->serves_malloc) {
        cache_free(cache, block, "free");
        return true;
    }
    if (const size_t bytes = area_size(block)) {
        look_at_area(static_cast<char*>(block), bytes, "free");
    }
    return false;
}

bool debug_usable_size(const void* block, const char* call, size_t& bytes) {
    if (Cache* cache = cache_of(block); cache && cache->serves_malloc) {
        bytes = cache_usable_size(cache, block, call);
        return true;
    }
    const size_t area_bytes = area_size(block);
    if (area_bytes == 0) {
        return false;
    }
    look_at_area(static_cast<const char*>(block), area_bytes, call);
    bytes = redzone_asked_bytes(block, area_bytes);
    return true;
}

const char* debug_check() {
    area_visit([](void* /*context*/, uintptr_t address,
                  size_t bytes) { look_at_area(reinterpret_cast<const char*>(address), bytes, "check"); },
               nullptr);
    return cache_check();
}

} // namespace sb
