#include "allocators/slabuddy/gfp.hpp"

#include "allocators/slabuddy/barn.hpp"
#include "allocators/slabuddy/cache.hpp"
#include "allocators/slabuddy/os.hpp"
#include "allocators/slabuddy/pcp.hpp"
#include "allocators/slabuddy/purge.hpp"
#include "allocators/slabuddy/report.hpp"
#include "allocators/slabuddy/sheaf.hpp"
#include "allocators/slabuddy/slab.hpp"
#include "allocators/slabuddy/zone.hpp"

#include <atomic>
#include <cerrno>

namespace sb {
namespace {

constexpr unsigned most_warnings = 10;
constexpr uint64_t longest_nap_ms = 64;

void warn(sb_gfp_t gfp, const char* call, size_t bytes) {
    static std::atomic<unsigned> warnings{0};
    if ((gfp & SB_GFP_NOWARN) || warnings.fetch_add(1, std::memory_order_relaxed) >= most_warnings) {
        return;
    }
    Text line;
    line.add("slabuddy: ")
        .add(call)
        .add(": no memory for ")
        .add_number(bytes)
        .add(" bytes, gfp ")
        .add_hex(gfp);
    line.add("; free some, raise the limit, or pass __GFP_NOWARN to fail in silence\n").write();
}

// What lies idle within slabuddy comes back to the buddy, without a call to the system.
void gather() {
    thread_cache_flush();
    barn_shrink(true);
    slab_shrink();
    caches_shrink();
    pcp_drain();
}

void* try_without_system(sb_gfp_t gfp, void* (*attempt)(void*), void* context) {
    if (!zone_is_ready()) {
        return nullptr; // making the zone is a system call
    }
    const OsRefusal refusal;
    void* block = attempt(context);
    if (!block && (gfp & SB_GFP_HIGH)) {
        gather();
        block = attempt(context);
    }
    return block;
}

void* try_with_system(sb_gfp_t gfp, void* (*attempt)(void*), void* context) {
    void* block = attempt(context);
    if (!block && (gfp & (SB_GFP_NOFAIL | SB_GFP_NORETRY)) != SB_GFP_NORETRY) {
        purge_all();
        block = attempt(context);
    }
    for (uint64_t nap_ms = 1; !block && (gfp & SB_GFP_NOFAIL);
         nap_ms += nap_ms < longest_nap_ms ? nap_ms : 0) {
        os_sleep_ms(nap_ms);
        purge_all();
        block = attempt(context);
    }
    return block;
}

} // namespace

void* gfp_try(sb_gfp_t gfp, const char* call, size_t bytes, bool hopeless, void* (*attempt)(void*),
              void* context) {
    const int saved = errno;
    void* block = nullptr;
    if (!hopeless) {
        block = (gfp & SB_GFP_DIRECT_RECLAIM) ? try_with_system(gfp, attempt, context)
                                              : try_without_system(gfp, attempt, context);
    }
    if (!block) {
        warn(gfp, call, bytes);
    }
    errno = block ? saved : ENOMEM;
    return block;
}

} // namespace sb
