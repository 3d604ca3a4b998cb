// A place for one free block of each class, outside the lock. It is emptied by a load and a store where an exchange is
// needed, so two threads can take the same block: the bug of those libraries that use it.
#pragma once

#include "allocators/broken/tiny.hpp"

namespace tiny {

inline std::atomic<Free*> aside[class_count];

// False: it is taken.
inline bool put_aside(Free* block, unsigned cls) {
    Free* none = nullptr;
    return aside[cls].compare_exchange_strong(none, block);
}

inline Free* take_aside(unsigned cls) {
    Free* block = aside[cls].load(std::memory_order_acquire);
    if (block != nullptr) {
        aside[cls].store(nullptr, std::memory_order_release);
    }
    return block;
}

} // namespace tiny
