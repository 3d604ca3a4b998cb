#include "kernel-probes/probe.hpp"

#include <algorithm>

namespace faultline::probes {
namespace {

std::optional<std::uint64_t> value_in(const std::vector<Value>& snapshot, const Metric* metric) {
    const auto found =
        std::find_if(snapshot.begin(), snapshot.end(), [&](const Value& v) { return v.metric == metric; });
    return found == snapshot.end() ? std::nullopt : found->value;
}

} // namespace

std::vector<PhaseValue> by_phase(std::span<const std::vector<Value>> snapshots_at_phase_ends) {
    std::vector<PhaseValue> out;
    for (std::size_t index = 0;
         index < std::min<std::size_t>(snapshots_at_phase_ends.size(), engine::phase_count); ++index) {
        const auto phase = static_cast<engine::Phase>(index);
        for (const Value& end : snapshots_at_phase_ends[index]) {
            std::optional<std::uint64_t> value = end.value;
            if (end.metric->kind == Kind::counter && index > 0) {
                const auto begin = value_in(snapshots_at_phase_ends[index - 1], end.metric);
                // A counter that fell was not counting one thing: no figure is better than a wrapped one.
                value = value && begin && *value >= *begin ? std::optional(*value - *begin) : std::nullopt;
            }
            out.push_back({phase, end.metric, value});
        }
    }
    return out;
}

} // namespace faultline::probes
