// Random plans. An episode's plan is fixed by (seed, episode) alone.
#pragma once

#include "workloads/stress/random/plan.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace faultline::stress {

inline constexpr std::size_t most_steps = 1 << 16; // of an episode
inline constexpr std::uint32_t most_lanes = 8;
inline constexpr std::uint32_t most_threads = 64;

// One episode in four is a storm: few threads that call malloc and free for one small size and do little else, so that
// calls meet within the heap far more often than in the other, richer episodes.
constexpr bool is_storm(std::uint64_t episode) {
    return episode % 4 == 1;
}

// Writes an episode's plan into `room`, which holds most_steps. Uses `live`, of most_steps too, for itself. Without
// `with_forks` nobody forks.
Plan generate(std::uint64_t seed, std::uint64_t episode, bool with_forks, std::span<Step> room,
              std::span<std::uint32_t> live);

} // namespace faultline::stress
