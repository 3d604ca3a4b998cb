// As handed_out_twice, but only one free in 512 puts its block aside: the race shows about once in a million calls.
#include "allocators/broken/tiny.hpp"

namespace {

std::atomic<tiny::Free*> aside[tiny::class_count];
thread_local unsigned frees = 0;

struct Bug : tiny::NoBug {
    static bool put_aside(tiny::Free* block, unsigned cls) {
        tiny::Free* none = nullptr;
        return ++frees % 512 == 0 && aside[cls].compare_exchange_strong(none, block);
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
