// empiricalN: the heap of a real program, from its profile: for each size how often it is allocated and how many are live. The
// heap is scaled to `heap` bytes; each step replaces a block, its size drawn by rate and the block at random among those
// of that size, so that relative rates, live counts and with them mean lifetimes are the profile's.
#include "workloads/engine/parameter.hpp"
#include "workloads/engine/team.hpp"
#include "workloads/synthetic/pattern.hpp"
#include "workloads/synthetic/profile.hpp"
#include "workloads/synthetic/slots.hpp"
#include "workloads/synthetic/specs.hpp"

#include <algorithm>
#include <cstdio>
#include <numeric>

namespace faultline::synthetic {

namespace {

using namespace engine;

constexpr Parameter parameters[] = {
    path_parameter("profile", "", "CSV with rows of size, allocation rate, live objects"),
    integer_parameter("heap", "128M", 1 << 12, std::int64_t{1} << 44, "bytes",
                      "live in all threads together; a smaller profile is taken as it is, in each thread"),
    integer_parameter("operations", "2000000", 1, std::int64_t{1} << 32, "replacements",
                      "shared out over the threads"),
    choice_parameter("touch", "page", touch_choices, "what is written"),
};

std::uint64_t steps_of(const Arguments& arguments) {
    return std::max<std::uint64_t>(count_of(arguments, "operations") / arguments.threads, 1);
}
std::vector<std::uint64_t> live_of(const Profile& profile, const Arguments& arguments) {
    return scaled_live(profile, count_of(arguments, "heap") / arguments.threads);
}
std::uint64_t bytes_of(const Profile& profile, std::span<const std::uint64_t> live) {
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < live.size(); ++i)
        bytes += live[i] * profile.rows[i].size;
    return bytes;
}

class Empirical final : public Pattern {
  public:
    explicit Empirical(const Arguments& arguments)
        : Pattern(arguments), arguments_(arguments), steps_(steps_of(arguments)),
          touch_(touch_from(arguments.text("touch"))) {}

    Result<void> prepare() override {
        const Result<Profile> profile = read_profile(arguments_.text("profile"));
        if (!profile)
            return tl::unexpected(profile.error());
        prepare_lanes(threads_, {Operation::malloc, Operation::free});
        team_.prepare(arena_, threads_);
        const std::vector<std::uint64_t> live = live_of(*profile, arguments_);
        live_bytes_ = bytes_of(*profile, live);
        profile_bytes_ = profile->live_bytes();
        members_ = arena_.array<Member>(threads_);
        for (unsigned index = 0; index < threads_; ++index)
            prepare_member(members_[index], *profile, live, index);
        return {};
    }
    void warmup() override {
        team_.start();
        each_member([](Member& member, Heap& heap, std::uint64_t& /*sum*/, Touch how) {
            for (const std::uint32_t slot : member.fill_order)
                fill_slot(heap, member.slots[slot], member.sizes[slot], member.cookie += golden_gamma, how);
        });
    }
    void work() override {
        each_member([](Member& member, Heap& heap, std::uint64_t& sum, Touch how) {
            for (const std::uint32_t step : member.steps) {
                SlotBlock& slot = member.slots[step];
                sum += empty_slot(heap, slot, how);
                fill_slot(heap, slot, member.sizes[step], member.cookie += golden_gamma, how);
                if (step >=
                    member.fill_order.size()) // rarer than one at a time: it goes before the next comes
                    sum += empty_slot(heap, slot, how);
            }
        });
    }
    void drain() override {
        each_member([](Member& member, Heap& heap, std::uint64_t& sum, Touch how) {
            for (SlotBlock& slot : member.slots)
                sum += empty_slot(heap, slot, how);
        });
        team_.join();
    }
    std::uint64_t operations() const override { return 2 * threads_ * steps_; }
    std::vector<std::string> notes() const override {
        char text[200];
        std::snprintf(text, sizeof text,
                      "%.1f MiB live in each of %u threads; the profile has %.1f MiB: scaled by %.4g",
                      static_cast<double>(live_bytes_) / (1 << 20), threads_, profile_bytes_ / (1 << 20),
                      static_cast<double>(live_bytes_) / profile_bytes_);
        return {text};
    }

  private:
    struct Member {
        std::span<SlotBlock> slots;     // first those that are always full, then one for each other row
        std::span<std::uint64_t> sizes; // of each slot's blocks
        std::span<const std::uint32_t> fill_order;
        std::span<const std::uint32_t> steps; // a slot each
        std::uint64_t cookie = 0;
    };
    struct Place { // of a row's slots
        std::uint32_t first;
        std::uint32_t count;
    };

    template <typename Job>
    void each_member(Job&& job) {
        team_.run([&](unsigned index) {
            in_lane(index, [&](Heap& heap, std::uint64_t& sum) { job(members_[index], heap, sum, touch_); });
        });
    }

    void prepare_member(Member& member, const Profile& profile, std::span<const std::uint64_t> live,
                        unsigned index) {
        const std::uint64_t full = std::accumulate(live.begin(), live.end(), std::uint64_t{0});
        const auto other_rows = static_cast<std::uint64_t>(std::ranges::count(live, 0U));
        member.slots = arena_.array<SlotBlock>(full + other_rows);
        member.sizes = arena_.array<std::uint64_t>(full + other_rows);
        std::vector<Place> places;
        std::vector<double> rates_up_to; // this row, this row included
        std::uint32_t next_full = 0;
        auto next_other = static_cast<std::uint32_t>(full);
        double rate = 0;
        for (std::size_t row = 0; row < live.size(); ++row) {
            std::uint32_t& next = live[row] > 0 ? next_full : next_other;
            places.push_back({next, std::max(static_cast<std::uint32_t>(live[row]), 1U)});
            std::ranges::fill(member.sizes.subspan(next, places.back().count), profile.rows[row].size);
            next += places.back().count;
            rates_up_to.push_back(rate += profile.rows[row].rate);
        }
        Rng random(seed_, index);
        const std::span<std::uint32_t> order = arena_.array<std::uint32_t>(full);
        std::iota(order.begin(), order.end(), 0U);
        for (std::size_t i = order.size(); i > 1; --i)
            std::swap(order[i - 1], order[random.below(i)]);
        const std::span<std::uint32_t> steps = arena_.array<std::uint32_t>(steps_);
        for (std::uint32_t& step : steps) {
            const auto above = std::ranges::upper_bound(rates_up_to, random.unit() * rate);
            const auto row =
                std::min(static_cast<std::size_t>(above - rates_up_to.begin()), places.size() - 1);
            step = places[row].first + static_cast<std::uint32_t>(random.below(places[row].count));
        }
        member.fill_order = order;
        member.steps = steps;
        member.cookie = mix64(seed_ + index);
    }

    Arguments arguments_;
    std::uint64_t steps_;
    Touch touch_;
    std::uint64_t live_bytes_ = 0; // of each thread
    double profile_bytes_ = 0;
    Team team_;
    std::span<Member> members_;
};

// Asked only where check() has found the profile well.
Cost cost(const Arguments& arguments) {
    const Result<Profile> profile = read_profile(arguments.text("profile"));
    if (!profile)
        return {};
    const std::uint64_t live_bytes = bytes_of(*profile, live_of(*profile, arguments));
    const std::uint64_t steps = steps_of(arguments);
    const auto replaced =
        static_cast<std::uint64_t>(static_cast<double>(steps) * profile->mean_allocated_bytes());
    return {.live_bytes = arguments.threads * live_bytes,
            .allocated_bytes = arguments.threads * (live_bytes + replaced),
            .operations = 2 * arguments.threads * steps};
}

Result<void> check_profile(const Arguments& arguments, std::string_view where) {
    const Result<Profile> profile = read_profile(arguments.text("profile"));
    if (!profile)
        return tl::unexpected(profile.error());
    const std::vector<std::uint64_t> live = live_of(*profile, arguments);
    const std::uint64_t blocks = std::accumulate(live.begin(), live.end(), std::uint64_t{0});
    if (blocks == 0 || blocks > UINT32_MAX)
        return fail(Exit::usage, std::string(where),
                    "heap=" + arguments.text("heap") + " makes " + std::to_string(blocks) +
                        " live blocks a thread",
                    blocks == 0 ? "make heap larger" : "make heap smaller");
    return {};
}

} // namespace

constinit const WorkloadSpec empirical_spec = {
    .name = "empiricalN",
    .summary = "the heap of a real program from its profile: sizes by rate, live counts as they were",
    .citation =
        "fleetbench and tcmalloc's empirical driver; Zhou et al., Characterizing a Memory Allocator at "
        "Warehouse Scale, ASPLOS 2024",
    .parameters = parameters,
    .threaded = true,
    .micro = false,
    .cost = cost,
    .make = make_pattern<Empirical>,
    .check = check_profile,
};

} // namespace faultline::synthetic
