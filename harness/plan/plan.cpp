#include "harness/plan/plan.hpp"

#include <algorithm>
#include <random>

namespace faultline::plan {
namespace {

// The standard fixes what mt19937_64 gives but not what std::shuffle and the distributions do with it; these
// are fixed.
using Generator = std::mt19937_64;

std::uint64_t below(Generator& generator, std::uint64_t bound) {
    return generator() % bound;
}

template <typename T>
void shuffle(std::vector<T>& values, Generator& generator) {
    for (std::size_t i = values.size(); i > 1; --i) {
        std::swap(values[i - 1], values[below(generator, i)]);
    }
}

// splitmix64's finaliser (Steele et al. 2014): neighbouring inputs give unrelated outputs.
std::uint64_t mix(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

// FNV-1a: the same on every machine and compiler, unlike std::hash.
std::uint64_t hash(std::string_view text) {
    std::uint64_t value = 0xcbf29ce484222325;
    for (const char c : text) {
        value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    }
    return value;
}

std::vector<std::size_t> shuffled_indices(std::size_t count, Generator& generator) {
    std::vector<std::size_t> indices(count);
    for (std::size_t i = 0; i < count; ++i) {
        indices[i] = i;
    }
    shuffle(indices, generator);
    return indices;
}

std::string mebibytes(std::uint64_t bytes) {
    return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB";
}

void skip_app(Plan& plan, std::size_t row, std::uint64_t memory_bytes) {
    auto reason = apps::why_missing(*plan.rows[row].app);
    if (!reason && plan.rows[row].cost.live_bytes > memory_bytes) {
        reason = "needs " + mebibytes(plan.rows[row].cost.live_bytes) + "; this machine has " +
                 mebibytes(memory_bytes) + " to spare";
    }
    for (std::size_t arm = 0; arm < plan.arms.size(); ++arm) {
        if (plan.skipped(row, arm)) {
            continue;
        }
        if (reason) {
            plan.skips.push_back({row, arm, *reason});
        } else if (plan.arms[arm].role == Role::floor) {
            plan.skips.push_back({row, arm, "a real program's own work is no cost of the harness"});
        }
    }
}

} // namespace

Result<void> add_kernel_arm(Plan& plan) {
    const auto has_axis = [](const Row& row) { return row.spec->has_allocator_axis(); };
    if (std::all_of(plan.rows.begin(), plan.rows.end(), has_axis)) {
        return {};
    }
    auto nobody = registry::find("system");
    if (!nobody) {
        return tl::unexpected(nobody.error());
    }
    nobody->name = "none";
    const std::size_t own = plan.arms.size();
    plan.arms.push_back({std::move(*nobody), Role::kernel});
    for (std::size_t row = 0; row < plan.rows.size(); ++row) {
        const bool axis = has_axis(plan.rows[row]);
        for (std::size_t arm = 0; arm < plan.arms.size(); ++arm) {
            if (axis == (arm == own)) {
                plan.skips.push_back({row, arm,
                                      axis ? "it is about allocators"
                                           : "it has no allocator in what it measures, and runs once a round",
                                      true});
            }
        }
    }
    return {};
}

Result<void> fit_to_means(Plan& plan, const engine::Means& means) {
    for (std::size_t row = 0; row < plan.rows.size(); ++row) {
        const engine::WorkloadSpec& spec = *plan.rows[row].spec;
        auto able = spec.able != nullptr ? spec.able(plan.rows[row].arguments, means) : Result<void>();
        if (able) {
            continue;
        }
        if (plan.rows.size() == 1) {
            return able;
        }
        for (std::size_t arm = 0; arm < plan.arms.size(); ++arm) {
            if (!plan.skipped(row, arm)) {
                plan.skips.push_back({row, arm, able.error().what + "; " + able.error().remedy});
            }
        }
    }
    return {};
}

bool Plan::skipped(std::size_t row, std::size_t arm) const {
    return std::any_of(skips.begin(), skips.end(),
                       [&](const Skip& skip) { return skip.row == row && skip.arm == arm; });
}

std::size_t Plan::arms_of(std::size_t row) const {
    std::size_t count = 0;
    for (std::size_t arm = 0; arm < arms.size(); ++arm) {
        count += skipped(row, arm) ? 0 : 1;
    }
    return count;
}

Part Plan::part_of(std::size_t row) const {
    if (!shard) {
        return {row, first_round, rounds};
    }
    const auto found = std::find_if(shard->parts.begin(), shard->parts.end(),
                                    [row](const Part& part) { return part.row == row; });
    return found == shard->parts.end() ? Part{row, first_round, 0} : *found;
}

bool Plan::runs(std::size_t row, unsigned round) const {
    if (!shard) {
        return true;
    }
    const Part part = part_of(row);
    return round >= part.first_round && round - part.first_round < part.rounds;
}

std::size_t Plan::trials() const {
    std::size_t count = 0;
    for (std::size_t row = 0; row < rows.size(); ++row) {
        count += arms_of(row) * part_of(row).rounds;
    }
    return count;
}

std::size_t Plan::trials(unsigned round) const {
    std::size_t count = 0;
    for (std::size_t row = 0; row < rows.size(); ++row) {
        count += runs(row, round) ? arms_of(row) : 0;
    }
    return count;
}

std::vector<TrialSpec> draw_round(const Plan& plan, unsigned round) {
    Generator order(mix(plan.seed ^ mix(round)));
    std::vector<TrialSpec> trials;
    unsigned position = 0;
    for (const std::size_t row : shuffled_indices(plan.rows.size(), order)) {
        Generator pair_order(mix(plan.seed ^ mix((std::uint64_t{row} << 32) | (round / 2))));
        std::vector<std::size_t> arms = shuffled_indices(plan.arms.size(), pair_order);
        if (round % 2 == 1) {
            std::reverse(arms.begin(), arms.end());
        }
        for (const std::size_t arm : arms) {
            if (plan.skipped(row, arm)) {
                continue;
            }
            TrialSpec trial;
            trial.row = row;
            trial.arm = arm;
            trial.round = round;
            trial.position = position++;
            trial.seed =
                mix(plan.seed + mix(hash(plan.rows[row].label) + round)) >> 1; // fits a signed reader
            trial.environment_bytes = static_cast<unsigned>(below(order, 4096));
            if (plan.runs(row, round)) {
                trials.push_back(trial);
            }
        }
    }
    return trials;
}

std::vector<TrialSpec> draw_occupancy(const Plan& plan) {
    std::vector<TrialSpec> trials = draw_round(plan, plan.first_round);
    std::erase_if(trials, [&](const TrialSpec& trial) {
        const Row& row = plan.rows[trial.row];
        return row.app || !row.spec->has_allocator_axis() || plan.arms[trial.arm].role != Role::subject;
    });
    return trials;
}

std::uint64_t floor_bytes(const engine::Cost& cost) {
    constexpr std::uint64_t overhead_bytes = 24;
    constexpr std::uint64_t chunk_ends_bytes = 32 << 20;
    return cost.allocated_bytes + cost.operations / 2 * overhead_bytes + cost.allocated_bytes / 16 +
           chunk_ends_bytes;
}

double trial_seconds(const Plan& plan, std::size_t row) {
    constexpr double start_seconds = 0.1; // of a process, with its streams drawn
    const engine::Cost& cost = plan.rows[row].cost;
    return start_seconds + static_cast<double>(plan.idle_ms) / 1e3 +
           static_cast<double>(std::max(cost.operations * guessed_ns_an_operation, cost.least_ns)) / 1e9;
}

std::uint64_t Plan::timeout_s_of(std::size_t row) const {
    return timeout_s + rows[row].cost.least_ns / 1'000'000'000;
}

Estimate estimate(const Plan& plan, Extras extras) {
    Estimate all;
    for (std::size_t row = 0; row < plan.rows.size(); ++row) {
        const engine::Cost& cost = plan.rows[row].cost;
        const unsigned rounds = plan.part_of(row).rounds;
        all.seconds += trial_seconds(plan, row) * static_cast<double>(plan.arms_of(row) * rounds);
        if (rounds > 0 && cost.live_bytes > all.live_bytes) {
            all.live_bytes = cost.live_bytes;
            all.live_row = plan.rows[row].label;
        }
    }
    const std::vector<TrialSpec> none;
    for (const auto& trials : {extras.counts ? draw_round(plan, plan.first_round) : none,
                               extras.occupancy ? draw_occupancy(plan) : none}) {
        all.extra_trials += trials.size();
        for (const TrialSpec& trial : trials) {
            all.seconds += trial_seconds(plan, trial.row);
        }
    }
    return all;
}

Result<void> fit_to_memory(Plan& plan, std::uint64_t memory_bytes) {
    for (std::size_t row = 0; row < plan.rows.size(); ++row) {
        if (plan.rows[row].app) {
            skip_app(plan, row, memory_bytes);
            continue;
        }
        const engine::Cost& cost = plan.rows[row].cost;
        if (cost.live_bytes > memory_bytes) {
            return fail(Exit::unavailable, plan.rows[row].label,
                        "needs " + mebibytes(cost.live_bytes) + " of live memory; this machine has " +
                            mebibytes(memory_bytes) + " to spare",
                        "make its parameters smaller, or leave it out");
        }
        for (std::size_t arm = 0; arm < plan.arms.size(); ++arm) {
            const std::uint64_t limit = std::min(memory_bytes, floor_limit_bytes);
            if (plan.arms[arm].role == Role::floor && floor_bytes(cost) > limit && !plan.skipped(row, arm)) {
                plan.skips.push_back({row, arm,
                                      "never freeing, it would need " + mebibytes(floor_bytes(cost)) +
                                          "; the limit is " + mebibytes(limit)});
            }
        }
    }
    const bool nothing_left = plan.skips.size() == plan.rows.size() * plan.arms.size();
    if (nothing_left && !plan.skips.empty()) {
        return fail(Exit::unavailable, plan.rows[plan.skips.front().row].label, plan.skips.front().reason);
    }
    return {};
}

} // namespace faultline::plan
