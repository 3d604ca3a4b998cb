#include "kernel-probes/probe.hpp"

#include <algorithm>

namespace faultline::probes {
namespace {

std::optional<std::uint64_t> value_in(const Snapshot& snapshot, const Metric* metric) {
    const auto found = std::find_if(snapshot.values.begin(), snapshot.values.end(),
                                    [&](const Value& v) { return v.metric == metric; });
    return found == snapshot.values.end() ? std::nullopt : found->value;
}

// What was counted since `before`; empty: nothing.
std::vector<std::uint64_t> since(const std::vector<std::uint64_t>& before,
                                 const std::vector<std::uint64_t>& now) {
    std::vector<std::uint64_t> out(now.size());
    std::transform(now.begin(), now.end(), before.begin(), out.begin(),
                   [](std::uint64_t end, std::uint64_t begin) { return end - std::min(begin, end); });
    return std::all_of(out.begin(), out.end(), [](std::uint64_t n) { return n == 0; })
               ? std::vector<std::uint64_t>()
               : out;
}

TableRows rows_since(const Snapshot& before, const TableRows& now) {
    const auto begin = std::find_if(before.tables.begin(), before.tables.end(),
                                    [&](const TableRows& t) { return t.table == now.table; });
    TableRows out{now.table, {}};
    for (const auto& [key, figures] : now.rows) {
        const bool fresh = begin == before.tables.end() || !begin->rows.contains(key);
        auto counted =
            since(fresh ? std::vector<std::uint64_t>(figures.size()) : begin->rows.at(key), figures);
        if (!counted.empty()) {
            out.rows.emplace(key, std::move(counted));
        }
    }
    return out;
}

std::size_t phases_in(std::span<const Snapshot> snapshots) {
    return std::min<std::size_t>(snapshots.size(), engine::phase_count);
}

} // namespace

std::vector<PhaseValue> by_phase(std::span<const Snapshot> snapshots_at_phase_ends) {
    std::vector<PhaseValue> out;
    for (std::size_t index = 0; index < phases_in(snapshots_at_phase_ends); ++index) {
        const auto phase = static_cast<engine::Phase>(index);
        for (const Value& end : snapshots_at_phase_ends[index].values) {
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

std::vector<PhaseTable> tables_by_phase(std::span<const Snapshot> snapshots_at_phase_ends) {
    static const Snapshot at_attach; // nothing counted yet
    std::vector<PhaseTable> out;
    for (std::size_t index = 0; index < phases_in(snapshots_at_phase_ends); ++index) {
        for (const TableRows& end : snapshots_at_phase_ends[index].tables) {
            const Snapshot& before = index == 0 ? at_attach : snapshots_at_phase_ends[index - 1];
            out.push_back({static_cast<engine::Phase>(index), rows_since(before, end)});
        }
    }
    return out;
}

} // namespace faultline::probes
