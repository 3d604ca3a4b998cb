// Memory for slabuddy's own book-keeping: sheaves and thread caches. Never inside user memory, never given
// back to the system, and recycled by kind, so 10,000 short threads need no more than the most that lived at
// once.
#pragma once

#include "allocators/slabuddy/lock.hpp"

#include <cstddef>

namespace sb {

extern constinit Lock meta_lock;

// `bytes` zeroed and aligned to `alignment` (a power of two, at most 4096); NULL when the system has none.
void* meta_allocate(size_t bytes, size_t alignment);

// Bytes taken from the system for metadata of this kind.
size_t meta_mapped_bytes();

// A recycler of equal blocks: take() gives a block that is all zero in its first word, or NULL.
template <size_t bytes, size_t alignment>
class MetaPool {
  public:
    void* take() {
        {
            Guard guard(lock_);
            if (Link* block = first_) {
                first_ = block->next;
                block->next = nullptr;
                return block;
            }
        }
        return meta_allocate(bytes, alignment);
    }
    void give(void* block) {
        Guard guard(lock_);
        auto* link = static_cast<Link*>(block);
        link->next = first_;
        first_ = link;
    }
    Lock& lock() { return lock_; }

  private:
    struct Link {
        Link* next;
    };
    Link* first_ = nullptr;
    Lock lock_;
};

} // namespace sb
