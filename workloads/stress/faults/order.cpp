#include "workloads/stress/faults/order.hpp"

#include "workloads/engine/rng.hpp"

#include <algorithm>
#include <map>

namespace faultline::stress {
namespace {

template <typename T>
void shuffle(std::vector<T>& items, engine::Rng& rng) {
    for (std::size_t left = items.size(); left > 1; --left) {
        std::swap(items[left - 1], items[rng.below(left)]);
    }
}

} // namespace

std::vector<std::uint64_t> order_of_faults(std::span<const std::uint64_t> kinds, std::uint64_t seed) {
    std::map<std::uint64_t, std::size_t> index;
    std::vector<std::vector<std::uint64_t>> groups; // in the order of their first calls
    for (std::size_t i = 0; i < kinds.size(); ++i) {
        const auto [found, is_new] = index.try_emplace(kinds[i], groups.size());
        if (is_new) {
            groups.emplace_back();
        }
        groups[found->second].push_back(i + 1);
    }
    engine::Rng rng(seed);
    for (auto& group : groups) {
        shuffle(group, rng);
    }
    shuffle(groups, rng);
    std::vector<std::uint64_t> order;
    for (std::size_t round = 0; order.size() < kinds.size(); ++round) {
        for (const auto& group : groups) {
            if (round < group.size()) {
                order.push_back(group[round]);
            }
        }
    }
    return order;
}

Coverage::Coverage(std::span<const std::uint64_t> kinds) {
    std::map<std::uint64_t, std::size_t> index;
    for (const std::uint64_t kind : kinds) {
        kind_of_.push_back(index.try_emplace(kind, index.size()).first->second);
    }
    tried_of_.resize(index.size());
}

void Coverage::add(std::uint64_t number) {
    ++tried_;
    ++tried_of_[kind_of_[number - 1]];
}

std::size_t Coverage::kinds_tried() const {
    return tried_of_.size() - static_cast<std::size_t>(std::count(tried_of_.begin(), tried_of_.end(), 0U));
}

bool Coverage::leaves_much() const {
    return kinds_tried() < kinds() || tried_ < std::min(kind_of_.size(), least_tried);
}

} // namespace faultline::stress
