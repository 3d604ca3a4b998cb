#include "workloads/engine/nearest.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

namespace faultline::engine {

namespace {

std::size_t distance(std::string_view from, std::string_view to) {
    std::vector<std::size_t> row(to.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= from.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= to.size(); ++j) {
            const std::size_t replaced = diagonal + (from[i - 1] == to[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
        }
    }
    return row[to.size()];
}

} // namespace

std::string_view nearest(std::string_view word, std::span<const std::string_view> known) {
    constexpr std::size_t longest_compared = 256;
    std::string_view best;
    std::size_t best_distance = word.size() / 2 + 1;
    for (const std::string_view candidate : known) {
        const std::size_t away = distance(word.substr(0, longest_compared), candidate);
        if (away < best_distance) {
            best_distance = away;
            best = candidate;
        }
    }
    return best;
}

} // namespace faultline::engine
