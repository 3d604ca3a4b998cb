// What GFP flags mean in user space: how far an allocation goes before it gives up. The flags themselves are in slabuddy.h.
//
//   without __GFP_DIRECT_RECLAIM   no system call that gets or changes memory, and locks are spun on; with __GFP_HIGH
//                                  also what barns, empty slabs and other processors' lists hold is taken
//   with it                        the system is asked; when it refuses, everything free is given back and it is asked
//                                  again (not with __GFP_NORETRY), and again for ever with __GFP_NOFAIL
//
// A failure is said on standard error, ten times at most, unless __GFP_NOWARN.
#pragma once

#include "allocators/slabuddy/slabuddy.h"

#include <cstddef>

namespace sb {

// Calls attempt(context) under these rules until it answers other than NULL. NULL comes with errno ENOMEM. `call` and
// `bytes` are for the message. A request that no memory could satisfy (`hopeless`) fails at once, whatever the flags.
void* gfp_try(sb_gfp_t gfp, const char* call, size_t bytes, bool hopeless, void* (*attempt)(void*),
              void* context);

template <typename Attempt>
void* gfp_allocate(sb_gfp_t gfp, const char* call, size_t bytes, bool hopeless, Attempt attempt) {
    return gfp_try(
        gfp, call, bytes, hopeless, [](void* context) { return (*static_cast<Attempt*>(context))(); },
        &attempt);
}

} // namespace sb
