// Makes a whole malloc of Tiny<Bug>. Included last by each library, after it has defined `struct Bug`.
#pragma once

namespace backend {

using Heap = tiny::Tiny<Bug>;

[[gnu::constructor]] static void prepare() {
    Heap::prepare_for_fork();
}

static void* allocate(size_t size) {
    return Heap::allocate(size);
}
static void* allocate_zeroed(size_t size) {
    return Heap::allocate_zeroed(size);
}
static void* allocate_aligned(size_t alignment, size_t size) {
    return Heap::allocate_aligned(alignment, size);
}
static void* reallocate(void* old, size_t size) {
    return Heap::reallocate(old, size);
}
static void release(void* block) {
    Heap::release(block);
}
static void release_sized(void* block, size_t /*size*/) {
    Heap::release(block);
}
static size_t usable_size(void* block) {
    return Heap::usable_size(block);
}
static size_t page_size() {
    return 4096;
}
static struct mallinfo2 info() {
    struct mallinfo2 figures = {};
    figures.uordblks = Heap::live_bytes();
    return figures;
}
static int write_info(FILE* stream) {
    return fputs("<malloc version=\"tiny-1\"/>\n", stream) < 0 ? -1 : 0;
}
static void write_stats() {
    fputs("tiny: no figures\n", stderr);
}
static bool trim(size_t /*pad*/) {
    return false;
}
static bool set_option(int /*parameter*/, int /*value*/) {
    return false;
}

} // namespace backend

#include "allocators/family/malloc_family.inl"
