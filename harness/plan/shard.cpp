#include "harness/plan/shard.hpp"

#include <algorithm>
#include <charconv>

namespace faultline::plan {
namespace {

// What this host leaves out is left in: every node must cut in the same places.
std::size_t planned_arms(const Plan& plan, std::size_t row) {
    const auto by_design = std::count_if(plan.skips.begin(), plan.skips.end(), [row](const Skip& skip) {
        return skip.row == row && skip.by_design;
    });
    return plan.arms.size() - static_cast<std::size_t>(by_design);
}

} // namespace

Result<Shard> parse_shard(std::string_view text) {
    const std::size_t slash = std::min(text.find('/'), text.size());
    Shard shard;
    const auto number = [](std::string_view word, unsigned& value) {
        const auto [end, error] = std::from_chars(word.begin(), word.end(), value);
        return error == std::errc() && end == word.end();
    };
    if (!number(text.substr(0, slash), shard.index) ||
        !number(text.substr(std::min(slash + 1, text.size())), shard.of) || shard.index < 1 ||
        shard.index > shard.of) {
        return fail(Exit::usage, "--shard " + std::string(text), "is not K/N with K from 1 to N",
                    "write for example --shard 2/4");
    }
    return shard;
}

Result<void> take_shard(Plan& plan, Shard shard) {
    const std::size_t units = plan.rows.size() * plan.rounds;
    if (shard.of > units) {
        return fail(Exit::usage, "--shard " + std::to_string(shard.index) + "/" + std::to_string(shard.of),
                    "the plan has " + std::to_string(units) + " rounds of workloads to share",
                    "use at most that many shards");
    }
    double total = 0;
    std::vector<double> unit_seconds;
    for (std::size_t row = 0; row < plan.rows.size(); ++row) {
        unit_seconds.push_back(trial_seconds(plan, row) * static_cast<double>(planned_arms(plan, row)));
        total += unit_seconds.back() * plan.rounds;
    }
    double before = 0;
    for (std::size_t row = 0; row < plan.rows.size(); ++row) {
        Part part{row, plan.first_round, 0};
        for (unsigned round = 0; round < plan.rounds; ++round, before += unit_seconds[row]) {
            const double middle = (before + unit_seconds[row] / 2) / total * shard.of;
            if (std::min(static_cast<unsigned>(middle) + 1, shard.of) != shard.index) {
                continue;
            }
            part.first_round = part.rounds == 0 ? plan.first_round + round : part.first_round;
            ++part.rounds;
        }
        if (part.rounds > 0) {
            shard.parts.push_back(part);
        }
    }
    plan.shard = std::move(shard);
    return {};
}

} // namespace faultline::plan
