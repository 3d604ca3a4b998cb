#include "workloads/stress/faults/fill.hpp"

#include "workloads/engine/arena.hpp"
#include "workloads/engine/rng.hpp"
#include "workloads/stress/random/pattern.hpp"
#include "workloads/stress/voice.hpp"

#include <cerrno>
#include <cstdlib>

namespace faultline::stress {
namespace {

constexpr std::size_t most_blocks = 1 << 19;

struct Block {
    void* at = nullptr;
    std::size_t size = 0;
};

} // namespace

void run_fill(const OrdealOptions& options, Pulse& pulse) {
    engine::Arena arena;
    const auto blocks = arena.array<Block>(most_blocks);
    engine::Rng rng(options.seed);
    std::uint64_t alive = 0;
    for (std::size_t count = 0; count < most_blocks && alive < most_filled_bytes; ++count) {
        const std::size_t base = std::size_t{64} << rng.below(8);
        const std::size_t size = base + rng.below(base);
        errno = 0;
        void* block = std::malloc(size);
        if (block == nullptr) {
            FAULTLINE_EXPECT(errno == ENOMEM, "malloc failed with errno %d, not ENOMEM", errno);
            return;
        }
        write_pattern_of(block, size, count);
        blocks[count] = {block, size};
        const std::size_t other = rng.below(count + 1);
        const std::size_t wrong =
            first_difference(blocks[other].at, blocks[other].size, blocks[other].size, other);
        FAULTLINE_EXPECT(wrong == all_as_written,
                         "byte %zu of a block of %zu bytes was lost with %llu MiB alive", wrong,
                         blocks[other].size, static_cast<unsigned long long>(alive >> 20));
        alive += size;
        pulse.live_bytes = alive;
        pulse.progress.fetch_add(1, std::memory_order_relaxed);
    }
}

} // namespace faultline::stress
