// One call of the malloc family, or one step of a thread's life, as every trace format is read into and
// written from. Plain data without libstdc++, because the recorder uses it inside the process that it
// records.
#pragma once

#include <cstdint>

namespace faultline::trace {

// The numbers are those of the file format (FORMAT.md): never renumbered.
enum class Op : std::uint8_t {
    malloc = 1,
    free = 2,
    calloc = 3,
    realloc_from = 4, // first half of a realloc: `pointer` is given up (0 for realloc(NULL, n))
    realloc_to = 5,   // second half, by the same thread: `pointer` is what came back, of `size` bytes
    memalign = 6,
    aligned_alloc = 7,
    posix_memalign = 8,
    op_new = 9, // C++ operators, scalar or array
    op_delete = 10,
    op_new_aligned = 11,
    op_delete_aligned = 12,
    thread_start = 13,
    thread_end = 14,
};
inline constexpr unsigned op_last = 14;

constexpr bool allocates(Op op) {
    return op == Op::malloc || op == Op::calloc || op == Op::realloc_to || op == Op::memalign ||
           op == Op::aligned_alloc || op == Op::posix_memalign || op == Op::op_new ||
           op == Op::op_new_aligned;
}
constexpr bool releases(Op op) {
    return op == Op::free || op == Op::realloc_from || op == Op::op_delete || op == Op::op_delete_aligned;
}
constexpr bool has_alignment(Op op) {
    return op == Op::memalign || op == Op::aligned_alloc || op == Op::posix_memalign ||
           op == Op::op_new_aligned || op == Op::op_delete_aligned;
}
constexpr bool has_extra(Op op) {
    return op == Op::calloc || has_alignment(op);
}

// No program has a block of this size: user space has 2^47 bytes.
inline constexpr std::uint64_t size_limit = std::uint64_t{1} << 47;

struct Event {
    std::uint64_t time = 0; // ns since the trace began, or the event's number when the trace holds no times
    std::uint64_t pointer = 0; // address or id: names a block from its allocation to its release; 0 is NULL
    std::uint64_t size = 0;    // bytes; for calloc bytes of one element
    std::uint64_t extra = 0;   // calloc: number of elements; aligned calls: alignment in bytes
    std::uint64_t position =
        0;                    // where it stands in its file, for messages: a line, or block offset and index
    std::uint32_t thread = 0; // as the trace numbers them
    Op op = Op::malloc;

    std::uint64_t bytes() const { return op == Op::calloc ? size * extra : size; }
};

} // namespace faultline::trace
