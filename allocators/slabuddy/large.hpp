// Large blocks, above what slabs serve: up to 16 MiB as whole pages from the buddy, with the tail given back;
// above it, or when the zone is exhausted, as areas of their own (area.hpp).
#pragma once

#include <cstddef>
#include <cstdint>

namespace sb {

// Aligned to `alignment` (a power of two) and at least to a system page. `zeroed` asks for zeros. NULL when
// there is none.
void* large_allocate(size_t size, size_t alignment, bool zeroed);

// `pages` whole pages, from the buddy alone, the first `zeroed_bytes` of them zero; aligned to page_bytes << align_order.
// NULL when there are none.
void* large_allocate_pages(uint32_t pages, unsigned align_order, size_t zeroed_bytes);

// Bytes of the large block that begins at `block`, or 0 when none does.
size_t large_usable_size(const void* block);

// Frees the large block that begins at `block`; false when none does.
bool large_free(void* block);

// The block, resized in place or moved by the kernel, or NULL: then it is as before and the caller copies.
// Precondition: `block` is a large block; size is above what slabs serve.
void* large_resize(void* block, size_t size);

} // namespace sb
