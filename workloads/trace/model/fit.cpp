#include "workloads/trace/model/model.hpp"

#include <algorithm>
#include <bit>
#include <functional>

namespace faultline::trace {
namespace {

constexpr std::uint64_t atom_share = 500; // a size of more than one in so many blocks is a class of its own
constexpr std::uint64_t classes_of_doubling = 8;
constexpr std::uint64_t drop_blocks = 16;  // that are released at once, at least
constexpr std::uint64_t large_part = 2000; // a block of more than one in so many of the peak's bytes is large

std::uint64_t geometric_class(std::uint64_t size) {
    if (size < 2 * classes_of_doubling) {
        return size;
    }
    const auto log2 = static_cast<unsigned>(std::bit_width(size) - 1);
    return (log2 + 1) * classes_of_doubling + (size >> (log2 - 3)) - classes_of_doubling;
}

// Which class a size is of, and the classes themselves.
class Classes {
  public:
    explicit Classes(const Lives& lives) {
        std::map<std::uint64_t, std::uint64_t> counts;
        for (const Life& life : lives.blocks) {
            ++counts[life.size];
        }
        std::map<std::uint64_t, std::uint32_t> by_bin;
        for (const auto& [size, count] : counts) {
            std::uint32_t index = static_cast<std::uint32_t>(sizes_.size());
            if (count * atom_share < lives.blocks.size()) {
                index = by_bin.try_emplace(geometric_class(size), index).first->second;
            }
            if (index == sizes_.size()) {
                sizes_.push_back({size, size, 0, 0});
            }
            SizeClass& into = sizes_[index];
            into.high = std::max(into.high, size);
            into.count += count;
            into.bytes += count * size;
            of_size_[size] = index;
        }
    }
    std::uint32_t of(std::uint64_t size) const { return of_size_.at(size); }
    const std::vector<SizeClass>& all() const { return sizes_; }

  private:
    std::vector<SizeClass> sizes_;
    std::map<std::uint64_t, std::uint32_t> of_size_;
};

// The size from which on blocks are kept one by one.
std::uint64_t large_from(const Lives& lives) {
    if (lives.blocks.size() <= model_blocks) {
        return 0; // too few for a distribution
    }
    std::vector<std::uint64_t> sizes;
    const std::uint64_t least = lives.peak_live_bytes / large_part;
    for (const Life& life : lives.blocks) {
        if (life.size > least) {
            sizes.push_back(life.size);
        }
    }
    if (sizes.size() <= model_blocks) {
        return least + 1;
    }
    const auto at = sizes.begin() + static_cast<std::ptrdiff_t>(model_blocks);
    std::nth_element(sizes.begin(), at, sizes.end(), std::greater<>());
    return *at + 1;
}

void keep_largest(std::map<std::uint64_t, std::uint64_t>& drops) {
    std::vector<std::uint64_t> counts;
    counts.reserve(drops.size());
    for (const auto& [when, count] : drops) {
        counts.push_back(count);
    }
    std::sort(counts.begin(), counts.end(), std::greater<>());
    const std::uint64_t least =
        std::max(drop_blocks, counts.size() > model_drops ? counts[model_drops] + 1 : drop_blocks);
    std::erase_if(drops, [&](const auto& drop) { return drop.second < least; });
}

std::vector<std::uint64_t> segment_ends(const Lives& lives, const Model& model) {
    std::vector<std::uint64_t> ends;
    for (std::uint64_t segment = 1; lives.timed && segment <= model_segments; ++segment) {
        const std::uint64_t index =
            std::min<std::uint64_t>(model.segment_begin(segment) / Lives::stride, lives.born_ns.size() - 1);
        const std::uint64_t ns = segment == model_segments ? lives.last_ns : lives.born_ns[index];
        ends.push_back(ns - std::min(ns, lives.first_ns));
    }
    return ends;
}

} // namespace

std::uint32_t lifetime_bin(std::uint64_t lifetime) {
    return static_cast<std::uint32_t>(geometric_class(lifetime));
}

std::uint64_t lifetime_bin_begin(std::uint32_t bin) {
    constexpr std::uint32_t first_geometric = 5 * classes_of_doubling; // of a lifetime of 16
    if (bin < first_geometric) {
        return std::min<std::uint64_t>(bin, 2 * classes_of_doubling);
    }
    return (classes_of_doubling + bin % classes_of_doubling) << (bin / classes_of_doubling - 4);
}

std::uint32_t part_of(const Model& model, std::uint32_t segment, std::uint64_t moment) {
    std::uint32_t part = 0;
    while (part + 1 < model_parts && moment >= model.part_begin(segment, part + 1)) {
        ++part;
    }
    return part;
}

Model fit(const Lives& lives) {
    Model model;
    model.allocations = lives.blocks.size();
    model.timed = lives.timed;
    if (lives.blocks.empty()) {
        return model;
    }
    model.segment_end_ns = segment_ends(lives, model);
    const Classes classes(lives);
    model.sizes = classes.all();
    const std::uint64_t large = large_from(lives);
    std::uint64_t runs = 0;
    std::uint32_t last = UINT32_MAX;
    std::uint32_t segment = 0;
    for (const Life& life : lives.blocks) {
        while (life.born >= model.segment_begin(segment + 1)) {
            ++segment;
        }
        const std::uint32_t maker = life.maker % model_threads;
        runs += life.maker != last ? 1 : 0;
        last = life.maker;
        if (life.ends()) {
            ++model.releases[{maker, life.releaser % model_threads}];
        }
        const std::uint32_t size_class = classes.of(life.size);
        ++model.makings[{size_class, life.op, life.alignment_log2}];
        if (life.size >= large) {
            model.blocks.push_back(life);
            model.blocks.back().maker = maker;
            model.blocks.back().releaser = life.releaser % model_threads;
            continue;
        }
        Load& load = model.loads[{segment, maker}];
        const std::uint64_t length = model.segment_begin(segment + 1) - model.segment_begin(segment);
        if (life.ends() && life.lifetime() < length / model_parts) {
            ++load.short_lived;
            ++model.mixes[{maker, size_class}];
            ++model.lifetimes[{size_class, lifetime_bin(life.lifetime())}];
            continue;
        }
        ++load.long_lived;
        std::uint32_t dead = model_segments;
        if (life.ends()) {
            for (dead = segment + 1;
                 dead + 1 < model_segments && life.dead > model.segment_begin(dead + 1);) {
                ++dead;
            }
            dead = std::min(dead, model_segments - 1);
            ++model.moments[{dead, part_of(model, dead, life.dead - 1)}].dead;
            ++model.drops[life.dead];
        }
        ++model.moments[{segment, part_of(model, segment, life.born)}].born;
        ++model.long_ones[{segment, dead, size_class}];
    }
    keep_largest(model.drops);
    model.mean_run = static_cast<std::uint32_t>(std::max<std::uint64_t>(lives.blocks.size() / runs, 1));
    return model;
}

} // namespace faultline::trace
