// What the two micro patterns share: the call that makes a block, how it is touched, and how many calls fill
// a trial.
#pragma once

#include "workloads/engine/heap.hpp"
#include "workloads/engine/parameter.hpp"
#include "workloads/engine/touch.hpp"

#include <cstdint>

namespace faultline::synthetic {

enum class Make : std::uint8_t { malloc, calloc, realloc, aligned };
inline constexpr std::string_view make_choices = "malloc|calloc|realloc|aligned";
inline constexpr std::int64_t largest_block = std::int64_t{64} << 20;

constexpr engine::Parameter size_parameter =
    engine::integer_parameter("size", "64", 1, largest_block, "bytes", "of a block");
constexpr engine::Parameter make_parameter = engine::choice_parameter(
    "op", "malloc", make_choices, "what makes a block; realloc: an eighth of it, doubled three times");
constexpr engine::Parameter alignment_parameter =
    engine::integer_parameter("alignment", "64", 8, 1 << 20, "bytes", "for op=aligned; a power of two");
constexpr engine::Parameter touch_parameter = engine::choice_parameter(
    "touch", "page", engine::touch_choices, "what is written: nothing, a byte of each page, every byte");
constexpr engine::Parameter blocks_parameter =
    engine::integer_parameter("operations", "0", 0, std::int64_t{1} << 40, "blocks",
                              "made and freed in all; 0: by size, for about a tenth of a second");

// What a block needs, from the arguments.
struct BlockPlan {
    Make make;
    engine::Touch touch;
    std::size_t size;
    std::size_t alignment;
    std::uint64_t blocks; // made and freed by one measure()

    BlockPlan(const engine::Arguments& arguments, std::uint64_t live_blocks);
    std::uint64_t warm_blocks() const { return blocks / 16 < 64 ? blocks / 16 + 1 : 64; }
    unsigned calls_per_block() const { return make == Make::realloc ? realloc_steps() + 2 : 2; }
    std::uint64_t allocated_bytes_per_block() const;
    unsigned realloc_steps() const { return size >= 8 ? 3 : 0; }
};

Result<void> check_alignment(const engine::Arguments& arguments, std::string_view where);

// A block as the plan says, its cookie written.
template <Make make>
void* make_block(engine::Heap& heap, const BlockPlan& plan, std::uint64_t cookie) {
    void* block = nullptr;
    if constexpr (make == Make::malloc) {
        block = heap.allocate(plan.size);
    } else if constexpr (make == Make::calloc) {
        block = heap.allocate_zeroed(1, plan.size);
        if (plan.touch != engine::Touch::none && engine::read_cookie(block, plan.size) != 0) [[unlikely]]
            engine::die_corrupt(block, plan.size);
    } else if constexpr (make == Make::aligned) {
        block = heap.allocate_aligned(plan.alignment, plan.size);
        if ((reinterpret_cast<std::uintptr_t>(block) & (plan.alignment - 1)) != 0) [[unlikely]]
            engine::die_corrupt(block, plan.size);
    } else {
        const unsigned steps = plan.realloc_steps();
        std::size_t size = plan.size >> steps;
        block = heap.allocate(size);
        for (unsigned step = steps; step > 0; --step) {
            engine::touch(block, size, cookie, plan.touch);
            const std::size_t larger = plan.size >> (step - 1);
            block = heap.resize(block, size, larger);
            engine::check(block, size, cookie, plan.touch); // the content moved with the block
            size = larger;
        }
    }
    engine::touch(block, plan.size, cookie, plan.touch);
    return block;
}

} // namespace faultline::synthetic
