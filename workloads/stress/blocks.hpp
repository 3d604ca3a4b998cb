// Small things that checks need: values that the compiler cannot see through, and bytes written and looked for.
#pragma once

#include <cstddef>
#include <cstdint>

namespace faultline::stress {

// The same value, of which the compiler knows nothing: it cannot warn of a wrong argument, nor drop a call for it.
template <typename T>
T opaque(T value) {
    asm volatile("" : "+r"(value) : : "memory");
    return value;
}

// NULL is not.
inline bool is_aligned(const void* block, std::size_t alignment) {
    return block != nullptr && reinterpret_cast<std::uintptr_t>(block) % alignment == 0;
}

inline constexpr std::size_t no_such_byte = SIZE_MAX;

// Where the first byte other than `value` is; no_such_byte when all are.
std::size_t first_other(const void* block, std::size_t bytes, unsigned char value);

// Writes bytes that depend on `key` and their place, and finds the first that is not as written.
void write_pattern(void* block, std::size_t bytes, std::uint64_t key);
std::size_t first_unlike(const void* block, std::size_t bytes, std::uint64_t key);

} // namespace faultline::stress
