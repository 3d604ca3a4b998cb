// What the library exports: the malloc family (on the heap's inline fast paths) and the calls of slabuddy.h;
// and the constructor and destructor that bracket the program.
#include "allocators/slabuddy/slabuddy.h"

#include "allocators/slabuddy/check.hpp"
#include "allocators/slabuddy/formats.hpp"
#include "allocators/slabuddy/heap.hpp"
#include "allocators/slabuddy/options.hpp"
#include "allocators/slabuddy/os.hpp"
#include "allocators/slabuddy/purge.hpp"
#include "allocators/slabuddy/stats.hpp"

#include <cstdio>
#include <cstring>
#include <malloc.h>

namespace backend {

using sb::allocate;
using sb::allocate_aligned;
using sb::allocate_zeroed;
using sb::reallocate;
using sb::release;
using sb::usable_size;

// The size adds nothing to what the address says.
[[gnu::always_inline]] inline void release_sized(void* block, size_t /*size*/) {
    sb::release(block);
}

inline size_t page_size() {
    return sb::os_page_bytes();
}

// mallinfo2(3), as far as its words fit: an area is what glibc calls a mapped block.
inline struct mallinfo2 info() {
    const sb::Totals sum = sb::totals();
    struct mallinfo2 figures = {};
    figures.arena = sum.committed_bytes;
    figures.ordblks = sum.free_blocks;
    figures.hblks = sum.areas;
    figures.hblkhd = sum.area_bytes;
    figures.uordblks = sum.live_bytes;
    figures.fordblks = sum.free_bytes;
    figures.keepcost = sum.dirty_bytes;
    return figures;
}

inline int write_info(FILE* stream) {
    sb::malloc_info_write(
        {[](void* to, const char* text, size_t bytes) { fwrite(text, 1, bytes, static_cast<FILE*>(to)); },
         stream});
    return ferror(stream) ? -1 : 0;
}

inline void write_stats() {
    sb::report_write(sb::standard_error);
}

inline bool trim(size_t /*pad*/) {
    return sb::purge_all() > 0;
}

// Only what has a meaning here is understood; glibc's other knobs tune its own design.
inline bool set_option(int parameter, int value) {
    if (parameter != M_TRIM_THRESHOLD) {
        return false;
    }
    sb::option_set(sb::Option::purge_ms, value < 0 ? sb::purge_never : 500);
    return true;
}

} // namespace backend

#include "allocators/family/malloc_family.inl"

namespace {

struct Buffer {
    char* text;
    size_t room;
    size_t wanted;
};

void into_buffer(void* context, const char* text, size_t bytes) {
    auto* buffer = static_cast<Buffer*>(context);
    if (buffer->wanted < buffer->room) {
        const size_t left = buffer->room - buffer->wanted;
        memcpy(buffer->text + buffer->wanted, text, bytes < left ? bytes : left);
    }
    buffer->wanted += bytes;
}

size_t write_text(void (*writer)(sb::TextSink), char* text, size_t bytes) {
    Buffer buffer = {text, bytes > 0 ? bytes - 1 : 0, 0};
    writer({into_buffer, &buffer});
    if (bytes > 0) {
        text[buffer.wanted < buffer.room ? buffer.wanted : buffer.room] = '\0';
    }
    return buffer.wanted;
}

// glibc passes the environment to constructors: nothing depends on whether libc's own is set up.
[[gnu::constructor]] void at_load(int /*argc*/, char** /*argv*/, char** environment) {
    sb::heap_start(environment);
    at_quick_exit(sb::heap_end);
}

[[gnu::destructor]] void at_exit() {
    sb::heap_end();
}

} // namespace

FAMILY_EXPORT const char* sb_version() {
    return sb::checked ? SLABUDDY_VERSION "-checked" : SLABUDDY_VERSION;
}

FAMILY_EXPORT const char* sb_check() {
    return sb::check_all();
}

FAMILY_EXPORT size_t sb_slabinfo(char* text, size_t bytes) {
    return write_text(sb::slabinfo_write, text, bytes);
}

FAMILY_EXPORT size_t sb_buddyinfo(char* text, size_t bytes) {
    return write_text(sb::buddyinfo_write, text, bytes);
}

FAMILY_EXPORT size_t sb_vmallocinfo(char* text, size_t bytes) {
    return write_text(sb::vmallocinfo_write, text, bytes);
}

FAMILY_EXPORT size_t sb_unusable_index(char* text, size_t bytes) {
    return write_text(sb::unusable_index_write, text, bytes);
}

FAMILY_EXPORT size_t sb_stats_json(char* text, size_t bytes) {
    return write_text(sb::json_write, text, bytes);
}
