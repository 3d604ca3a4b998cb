#include "workloads/engine/census.hpp"

#include <algorithm>
#include <bit>

namespace faultline::engine {

namespace {

std::size_t bucket_of(std::uint64_t value) {
    return value < 2 ? 0
                     : std::min<std::size_t>(static_cast<std::size_t>(std::bit_width(value - 1)),
                                             census_buckets - 1);
}

} // namespace

Census::Census(std::uint64_t most) : most_(most) {}

void Census::begin_measure() {
    const std::lock_guard lock(mutex_);
    measuring_ = true;
}

void Census::end_measure() {
    const std::lock_guard lock(mutex_);
    measuring_ = false;
    figures_.to_the_end = static_cast<std::uint64_t>(
        std::ranges::count_if(live_, [](const auto& entry) { return entry.second.measured; }));
}

void Census::made(Operation operation, void* block, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    if (allocations_ == most_) {
        figures_.cut_short = true;
        return;
    }
    live_.insert_or_assign(block, Block{allocations_++, bytes, std::this_thread::get_id(), measuring_});
    live_bytes_ += bytes;
    figures_.peak_live_blocks = std::max<std::uint64_t>(figures_.peak_live_blocks, live_.size());
    figures_.peak_live_bytes = std::max(figures_.peak_live_bytes, live_bytes_);
    if (!measuring_)
        return;
    ++figures_.calls[static_cast<std::size_t>(operation)];
    ++figures_.blocks_by_size[bucket_of(bytes)];
    figures_.bytes_by_size[bucket_of(bytes)] += bytes;
}

void Census::gone(Operation operation, void* block, std::size_t /* as it knows */) {
    const std::lock_guard lock(mutex_);
    const auto found = live_.find(block);
    if (found == live_.end() || figures_.cut_short)
        return; // made after the census was full
    const Block gone = found->second;
    live_.erase(found);
    live_bytes_ -= gone.bytes;
    if (!measuring_)
        return;
    if (operation != Operation::realloc) // which counts once, as what it makes
        ++figures_.calls[static_cast<std::size_t>(operation)];
    ++figures_.frees;
    figures_.frees_by_others += gone.maker != std::this_thread::get_id() ? 1 : 0;
    ++figures_.blocks_by_lifetime[bucket_of(allocations_ - gone.born)];
}

} // namespace faultline::engine
