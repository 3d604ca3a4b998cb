// The checked library's exact record: a state byte for each object, out of band, so that every wrong free,
// realloc or malloc_usable_size of a small block is caught at once and always. In the default library all of
// this is nothing.
//
// Threads may race on one object only when the program is wrong; the exchange decides which of them is
// reported.
#pragma once

#include "allocators/slabuddy/report.hpp"
#include "allocators/slabuddy/size_classes.hpp"
#include "allocators/slabuddy/zone.hpp"

namespace sb {

enum ObjectState : uint8_t { object_free = 0, object_allocated = 1 };

inline std::atomic<uint8_t>& object_state(unsigned cls, const void* object) {
    const SizeClass& size = size_classes[cls];
    const auto address = reinterpret_cast<uintptr_t>(object);
    const uintptr_t head = zone_page_of(address & ~uintptr_t{size.offset_mask});
    const uint64_t index = (address & size.offset_mask) * size.reciprocal >> 40;
    return zone.states[head * (page_bytes / 16) + index];
}

[[gnu::always_inline]] inline void integrity_allocated(unsigned cls, void* object) {
    if constexpr (checked) {
        if (object_state(cls, object).exchange(object_allocated, std::memory_order_relaxed) != object_free) {
            report_misuse(Misuse::broken_invariant, "malloc", object, cls);
        }
    }
}

// `object` is the begin of an object of the class, or in the waste behind the last, which is never allocated.
[[gnu::always_inline]] inline void integrity_freed(unsigned cls, void* object) {
    if constexpr (checked) {
        if (object_state(cls, object).exchange(object_free, std::memory_order_relaxed) != object_allocated) {
            const SizeClass& size = size_classes[cls];
            const uint64_t offset = reinterpret_cast<uintptr_t>(object) & size.offset_mask;
            const bool is_object = offset < uint64_t{size.objects} * size.bytes;
            report_misuse(is_object ? Misuse::double_free : Misuse::foreign, "free", object, cls);
        }
    }
}

inline void integrity_in_use(unsigned cls, const void* object, const char* call) {
    if constexpr (checked) {
        if (object_state(cls, object).load(std::memory_order_relaxed) != object_allocated) {
            report_misuse(Misuse::use_after_free, call, object, cls);
        }
    }
}

} // namespace sb
