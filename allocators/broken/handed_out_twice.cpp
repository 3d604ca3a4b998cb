// A block put aside without the lock, taken by a load and a store instead of an exchange: two threads can get it.
#include "allocators/broken/tiny.hpp"

namespace {

std::atomic<tiny::Free*> aside[tiny::class_count];

struct Bug : tiny::NoBug {
    static bool put_aside(tiny::Free* block, unsigned cls) {
        tiny::Free* none = nullptr;
        return aside[cls].compare_exchange_strong(none, block);
    }
    static tiny::Free* take_aside(unsigned cls) {
        tiny::Free* block = aside[cls].load(std::memory_order_acquire);
        if (block != nullptr) {
            aside[cls].store(nullptr, std::memory_order_release);
        }
        return block;
    }
};

} // namespace

#include "allocators/broken/backend.inl"
