// A working set that is replaced at random: what several patterns do with different numbers, sizes and
// touches.
#pragma once

#include "workloads/engine/heap.hpp"
#include "workloads/engine/touch.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace faultline::synthetic {

struct SlotBlock {
    void* memory = nullptr;
    std::size_t size = 0;
    std::uint64_t cookie = 0;
};

// One operation of a stream: the slot to empty, and the size to fill it with.
struct Replacement {
    std::uint32_t slot;
    std::uint32_t size;
};

inline void fill_slot(engine::Heap& heap, SlotBlock& slot, std::size_t size, std::uint64_t cookie,
                      engine::Touch how) {
    slot = {heap.allocate(size), size, cookie};
    engine::touch(slot.memory, size, cookie, how);
}

// What was read back; nothing when the slot is empty.
inline std::uint64_t empty_slot(engine::Heap& heap, SlotBlock& slot, engine::Touch how) {
    if (slot.memory == nullptr)
        return 0;
    const std::uint64_t found = engine::check(slot.memory, slot.size, slot.cookie, how);
    heap.release(slot.memory, slot.size);
    slot.memory = nullptr;
    return found;
}

} // namespace faultline::synthetic
