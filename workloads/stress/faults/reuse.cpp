#include "workloads/stress/faults/reuse.hpp"

#include "workloads/engine/arena.hpp"
#include "workloads/engine/rng.hpp"
#include "workloads/stress/voice.hpp"

#include <cstdlib>
#include <cstring>

namespace faultline::stress {
namespace {

constexpr std::uint64_t alive_bytes = 64ULL << 20;
constexpr std::size_t most_blocks = 1 << 19;
constexpr unsigned rounds = 30;
constexpr std::uint64_t survivor_one_in = 20;

// From 200 bytes to 200 KiB and down again.
std::size_t size_in(unsigned round, engine::Rng& rng) {
    const unsigned step = round % 20 < 10 ? round % 20 : 20 - round % 20;
    const std::size_t base = std::size_t{200} << step;
    return base + rng.below(base);
}

} // namespace

void run_reuse(const OrdealOptions& options, Pulse& pulse) {
    engine::Arena arena;
    const auto blocks = arena.array<void*>(most_blocks);
    const auto sizes = arena.array<std::size_t>(most_blocks);
    const auto ages = arena.array<unsigned>(most_blocks);
    engine::Rng rng(options.seed);
    std::size_t count = 0;
    std::uint64_t alive = 0;
    for (unsigned round = 0; round < rounds; ++round) {
        pulse.episode = round;
        while (alive < alive_bytes && count < most_blocks) {
            const std::size_t size = size_in(round, rng);
            void* block = std::malloc(size);
            if (block == nullptr) {
                fail("malloc of %zu bytes gave NULL in a cgroup with room for it", size);
            }
            std::memset(block, 1, size);
            blocks[count] = block;
            ages[count] = round;
            sizes[count++] = size;
            alive += size;
            pulse.progress.fetch_add(1);
        }
        std::size_t kept = 0;
        for (std::size_t i = 0; i < count; ++i) {
            if (ages[i] == round && rng.below(survivor_one_in) == 0) {
                blocks[kept] = blocks[i];
                ages[kept] = round;
                sizes[kept++] = sizes[i];
            } else {
                std::free(blocks[i]);
                alive -= sizes[i];
            }
            pulse.progress.fetch_add(1);
        }
        count = kept;
    }
}

} // namespace faultline::stress
