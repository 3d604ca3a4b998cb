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

// Writes an episode's plan into `room`, which holds most_steps. Uses `live`, of most_steps too, for itself. Without
// `with_forks` nobody forks.
Plan generate(std::uint64_t seed, std::uint64_t episode, bool with_forks, std::span<Step> room,
              std::span<std::uint32_t> live);

} // namespace faultline::stress
