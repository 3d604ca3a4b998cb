#include "workloads/synthetic/micro.hpp"

#include <algorithm>
#include <bit>

namespace faultline::synthetic {

namespace {

Make make_from(std::string_view text) {
    return text == "malloc"    ? Make::malloc
           : text == "calloc"  ? Make::calloc
           : text == "realloc" ? Make::realloc
                               : Make::aligned;
}

// A rough model of an ordinary allocator, only to choose a number of blocks that every allocator then gets:
// 16 ns a pair; memory written at 30 GB/s; from 128 KiB on (glibc's thresholds for mapping and for trimming)
// 2 us for a block, and for each touched page 30 ns, between an allocator that keeps it (5 ns) and one that
// faults again (300 and more); beyond 32 MiB (glibc's largest threshold) each faults.
std::uint64_t blocks_for_a_tenth_second(const BlockPlan& plan, std::uint64_t live_blocks) {
    constexpr std::uint64_t target_ns = 100'000'000;
    constexpr std::uint64_t threshold_bytes = 128 * 1024;
    constexpr std::uint64_t uncached_bytes = 32 << 20;
    const std::uint64_t live_bytes = plan.size * live_blocks;
    const std::uint64_t page_ns = live_bytes > uncached_bytes ? 500 : live_bytes >= threshold_bytes ? 30 : 0;
    std::uint64_t block_ns = 8 * plan.calls_per_block() + (plan.size >= threshold_bytes ? 2000 : 0);
    if (plan.touch != engine::Touch::none)
        block_ns += plan.size * page_ns / engine::touch_page_bytes;
    if (plan.touch == engine::Touch::each)
        block_ns += plan.size / 3;
    if (plan.touch == engine::Touch::all || plan.make == Make::calloc || plan.make == Make::realloc)
        block_ns += plan.size / 30;
    return std::max<std::uint64_t>(target_ns / block_ns, 16);
}

} // namespace

BlockPlan::BlockPlan(const engine::Arguments& arguments, std::uint64_t live_blocks)
    : make(make_from(arguments.text("op"))), touch(engine::touch_from(arguments.text("touch"))),
      size(static_cast<std::size_t>(arguments.integer("size"))),
      alignment(static_cast<std::size_t>(arguments.integer("alignment"))),
      blocks(static_cast<std::uint64_t>(arguments.integer("operations"))) {
    if (blocks == 0)
        blocks = blocks_for_a_tenth_second(*this, live_blocks);
}

std::uint64_t BlockPlan::allocated_bytes_per_block() const {
    if (make != Make::realloc)
        return size;
    std::uint64_t bytes = 0;
    for (unsigned step = 0; step <= realloc_steps(); ++step)
        bytes += size >> step;
    return bytes;
}

Result<void> check_alignment(const engine::Arguments& arguments, std::string_view where) {
    if (!std::has_single_bit(static_cast<std::uint64_t>(arguments.integer("alignment"))))
        return fail(Exit::usage, std::string(where),
                    "alignment=" + arguments.text("alignment") + " is not a power of two",
                    "give 8, 16, 32, ...");
    return {};
}

} // namespace faultline::synthetic
