// Punching: the memory of system pages that only free objects of a slab lie in goes back to the system, while the slab stays.
#pragma once

#include "allocators/slabuddy/slab_lists.hpp"

#include <cstddef>

namespace sb {

// What all slabs are made of, in bytes. Objects in sheaves and barns count as in use. An estimate, without locks.
struct SlabFootprint {
    size_t in_use;
    size_t punched; // free, without memory
    size_t idle;    // free, and may hold memory
    size_t allowed; // so much may be idle whatever is in use: learned, for what is punched may be taken again
};
SlabFootprint slab_footprint();

// Gives back the memory of whole system pages within slabs that only free objects lie in, until some `wanted` bytes are
// gone; from the emptiest slabs first. Returns bytes.
size_t slab_punch(size_t wanted);

// A refill has taken objects of the slab: what is free now bounds what can be without memory. `owner`'s lock held.
void slab_punch_note_taken(PageIndex page, Class& owner, const SizeClass& size);

Lock& slab_regret_lock(); // for fork

} // namespace sb
