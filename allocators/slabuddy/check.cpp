#include "allocators/slabuddy/check.hpp"

#include "allocators/slabuddy/area.hpp"
#include "allocators/slabuddy/buddy.hpp"
#include "allocators/slabuddy/cache.hpp"
#include "allocators/slabuddy/debug.hpp"
#include "allocators/slabuddy/size_classes.hpp"
#include "allocators/slabuddy/slab.hpp"
#include "allocators/slabuddy/zone.hpp"

namespace sb {
namespace {

// The slabs that the classes count are the pages that the descriptors say are slabs.
const char* check_pages() {
    uint64_t pages = 0;
    for (unsigned cls = 1; cls < class_table_size; ++cls) {
        pages += slab_figures(cls).slabs << size_classes[cls].order;
    }
    return pages == buddy_figures().slab_pages ? nullptr
                                               : "pages: the classes and the descriptors disagree on slabs";
}

const char* check_areas() {
    struct Sum {
        size_t count;
        size_t bytes;
    } sum = {};
    area_visit(
        [](void* context, uintptr_t, size_t bytes) {
            auto* into = static_cast<Sum*>(context);
            ++into->count;
            into->bytes += bytes;
        },
        &sum);
    const AreaFigures figures = area_figures();
    return sum.count == figures.live && sum.bytes == figures.live_bytes
               ? nullptr
               : "areas: the table and its totals disagree";
}

} // namespace

const char* check_all() {
    if (!zone_ready()) {
        return nullptr;
    }
    const auto check_caches = zone.debug ? debug_check : cache_check;
    for (const char* (*check)() : {buddy_check, slab_check, check_pages, check_areas, check_caches}) {
        if (const char* broken = check()) {
            return broken;
        }
    }
    return nullptr;
}

} // namespace sb
