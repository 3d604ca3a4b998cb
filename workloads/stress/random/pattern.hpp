// What is written into a block and looked for later: words that depend on the block's key and their place. A block of
// up to 16 KiB is written whole; of a larger one its first and last page and a cache line in every page between (in
// every sixteenth, above 256 KiB), so that any page that was lost or shared shows.
#pragma once

#include <cstddef>
#include <cstdint>

namespace faultline::stress {

void write_pattern_of(void* block, std::size_t bytes, std::uint64_t key);

inline constexpr std::size_t all_as_written = SIZE_MAX;

// Where the first byte stands that differs from what write_pattern_of(block, written, key) wrote, among the first
// `bytes`; all_as_written when none does.
std::size_t first_difference(const void* block, std::size_t written, std::size_t bytes, std::uint64_t key);

// The first byte that is not zero, by the same sampling; whole up to 256 KiB.
std::size_t first_not_zero(const void* block, std::size_t bytes);

} // namespace faultline::stress
