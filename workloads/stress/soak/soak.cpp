#include "workloads/stress/soak/soak.hpp"

#include "workloads/engine/arena.hpp"
#include "workloads/engine/clock.hpp"
#include "workloads/engine/rng.hpp"
#include "workloads/engine/team.hpp"
#include "workloads/stress/random/leak_watch.hpp"
#include "workloads/stress/random/pattern.hpp"
#include "workloads/stress/random/resident.hpp"
#include "workloads/stress/voice.hpp"

#include <algorithm>
#include <bit>
#include <cstdio>

namespace faultline::stress {
namespace {

using engine::Rng;

constexpr unsigned threads = 4;
constexpr unsigned cycle = 6; // eras
constexpr std::uint64_t thread_live_bytes = 12ULL << 20;
constexpr std::uint64_t most_era_calls = 60'000; // of a thread; fewer where blocks are large
constexpr std::uint64_t era_bytes = 8 * thread_live_bytes;
constexpr std::uint64_t survivor_one_in = 10;
constexpr std::size_t most_slots = 1 << 17;
constexpr std::uint64_t first_judgement = 8 * cycle;        // eras until a leak is looked for
constexpr std::uint64_t first_fragmentation_judgement = 72; // cycles
constexpr std::uint64_t whole = 1'000'000;                  // of a ratio
constexpr Gain fragmentation_matters = {whole / 20, 0.1}; // 5 % of what is alive, a tenth of what is resident
constexpr unsigned all_told_eras = 2 * cycle; // then at the end of a cycle whose number is a power of two

// The sizes of an era: from small ones of one kind to large ones, never the same two after each other.
struct Mix {
    std::uint64_t least;
    std::uint64_t most;
};
constexpr Mix mixes[cycle] = {{16, 128},       {1024, 4096}, {64, 512},
                              {16384, 131072}, {200, 2000},  {3000, 40000}};

std::size_t size_in(const Mix& mix, Rng& rng) {
    const std::uint64_t spread = rng.below(mix.most - mix.least + 1);
    return mix.least + (rng.chance(70) ? spread / 4 : spread); // mostly in the lower part
}

struct Block {
    char* at = nullptr;
    std::uint32_t size = 0;
    std::uint32_t era = 0;
};

struct Member { // a thread's
    std::span<Block> slots;
    std::uint64_t live_bytes = 0;
    std::uint64_t asked_bytes = 0; // since the beginning
    std::size_t used = 0;          // slots from the front that may hold blocks
};

class Soak {
  public:
    Soak(const HeapCalls& heap, std::uint64_t seed, Pulse& pulse, HeldBytes held_bytes)
        : heap_(heap), seed_(seed), pulse_(pulse), held_bytes_(held_bytes) {
        for (Member& member : members_) {
            member.slots = arena_.array<Block>(most_slots);
        }
        team_.prepare(arena_, threads);
        team_.start();
    }

    void era(unsigned number) {
        team_.run([&](unsigned thread) { work(members_[thread], number, thread); });
        if (fragmentation_watch_.is_suspicious()) {
            heap_.trim();
        }
        const std::uint64_t full = percent();
        resident_at_full_ += resident_of_heap();
        live_at_full_ += live_bytes();
        team_.run([&](unsigned thread) { give_back(members_[thread], number, thread); });
        const std::uint64_t survivors = percent();
        look_for_leak();
        if (number % cycle == cycle - 1) {
            look_at_fragmentation();
        }
        const bool is_told =
            number < all_told_eras || (number % cycle == 0 && std::has_single_bit(number / cycle));
        if (is_told) {
            tell(number, "full-percent", full);
            tell(number, "survivors-percent", survivors);
        }
        pulse_.live_bytes = live_bytes();
    }

    // False when it was too short to look for a leak.
    bool conclude() const {
        const Drift drift = watch_.drift_so_far();
        if (watch_.is_suspicious() || drift.is_leak) {
            untried("resident memory crept up by %llu MiB; whether it goes on needs a longer run",
                    static_cast<unsigned long long>((drift.is_leak ? drift : watch_.drift()).gained >> 20));
        }
        if (fragmentation_watch_.is_suspicious()) {
            untried("fragmentation grew by %llu %% of what is alive; whether it goes on needs a longer run",
                    static_cast<unsigned long long>(percent_of_whole(fragmentation_watch_.drift().gained)));
        } else if (fragmentation_watch_.judgements() == 0) {
            untried("fragmentation was not judged: %llu of the %llu cycles that it takes",
                    static_cast<unsigned long long>(cycles_),
                    static_cast<unsigned long long>(first_fragmentation_judgement));
        }
        figure("gained-kib-in-second-half", drift.gained >> 10);
        figure("looks-for-a-leak", watch_.judgements());
        figure("looks-at-fragmentation", fragmentation_watch_.judgements());
        return watch_.judgements() > 0;
    }

  private:
    void look_for_leak() {
        if (watch_.is_suspicious()) {
            heap_.trim();
        }
        if (watch_.offer(resident_of_heap(), asked_bytes()) == Suspicion::proved) {
            const Drift& drift = watch_.drift();
            fail("resident memory creeps up, though free memory was given back: %.1f KiB for each MiB asked "
                 "for, by %llu MiB to %llu MiB (Mann-Kendall z %.1f, the second time)",
                 watch_.growth() * 1024, static_cast<unsigned long long>(drift.gained >> 20),
                 static_cast<unsigned long long>(drift.median >> 20), drift.z);
        }
    }

    // At the end of a cycle: what was resident at the end of its eras' work, over what is alive then. That is taken over
    // all cycles so far, as one cycle's differs from the next by chance and what is resident hardly follows.
    void look_at_fragmentation() {
        ++cycles_;
        const std::uint64_t average_live = std::max<std::uint64_t>(live_at_full_ / cycles_, 1);
        const std::uint64_t ratio = resident_at_full_ * whole / average_live; // below 2^64 up to 18 TB
        resident_at_full_ = 0;
        if (fragmentation_watch_.offer(ratio, asked_bytes()) == Suspicion::proved) {
            const Drift& drift = fragmentation_watch_.drift();
            fail("fragmentation creeps up, though free memory was given back: what is resident grew by "
                 "%llu %% of what is alive, to %llu %% (Mann-Kendall z %.1f, the second time)",
                 static_cast<unsigned long long>(percent_of_whole(drift.gained)),
                 static_cast<unsigned long long>(percent_of_whole(ratio)), drift.z);
        }
    }
    static std::uint64_t percent_of_whole(std::uint64_t ratio) { return ratio * 100 / whole; }

    static std::uint64_t key(const Block& block) {
        return reinterpret_cast<std::uintptr_t>(block.at) ^ block.era;
    }

    void take(Member& member, Block& block) {
        if (const std::size_t at = first_difference(block.at, block.size, block.size, key(block));
            at != all_as_written) {
            fail("the byte at offset %zu of the block of %u bytes at %p, alive since era %u, was not as "
                 "written",
                 at, block.size, static_cast<void*>(block.at), block.era);
        }
        member.live_bytes -= block.size;
        heap_.release(block.at, How::malloc);
        block.at = nullptr;
    }

    void work(Member& member, unsigned number, unsigned thread) {
        Rng rng(seed_, number * std::uint64_t{threads} + thread);
        const Mix& mix = mixes[number % cycle];
        const std::uint64_t average = mix.least + (mix.most - mix.least) / 4;
        const std::uint64_t calls = std::clamp<std::uint64_t>(era_bytes / average, 2000, most_era_calls);
        const std::size_t wanted = std::clamp<std::size_t>(thread_live_bytes / average, 500, most_slots);
        member.used = std::max(member.used, wanted);
        for (std::uint64_t call = 0; call < calls; ++call) {
            Block& block = member.slots[rng.below(wanted)];
            const std::size_t size = size_in(mix, rng);
            if (block.at != nullptr && block.era == number) {
                take(member, block);
            } else if (block.at == nullptr && member.live_bytes < 2 * thread_live_bytes) {
                block.at = static_cast<char*>(heap_.allocate(How::malloc, size, 0));
                if (block.at == nullptr) {
                    fail("malloc of %zu bytes gave NULL with %llu MiB alive", size,
                         static_cast<unsigned long long>(live_bytes() >> 20));
                }
                block.size = static_cast<std::uint32_t>(size);
                block.era = number;
                member.live_bytes += size;
                member.asked_bytes += size;
                write_pattern_of(block.at, size, key(block));
            }
            pulse_.progress.fetch_add(1, std::memory_order_relaxed);
        }
    }

    // All but a tenth of this era's, and the survivors of a cycle ago.
    void give_back(Member& member, unsigned number, unsigned thread) {
        Rng rng(seed_ + 1, number * std::uint64_t{threads} + thread);
        for (Block& block : member.slots.first(member.used)) {
            if (block.at != nullptr &&
                (block.era == number ? rng.below(survivor_one_in) != 0 : block.era + cycle <= number)) {
                take(member, block);
            }
        }
    }

    std::uint64_t live_bytes() const {
        std::uint64_t sum = 0;
        for (const Member& member : members_) {
            sum += member.live_bytes;
        }
        return sum;
    }
    std::uint64_t asked_bytes() const {
        std::uint64_t sum = 0;
        for (const Member& member : members_) {
            sum += member.asked_bytes;
        }
        return sum;
    }
    std::uint64_t resident_of_heap() const {
        if (held_bytes_ != nullptr) {
            return held_bytes_();
        }
        const std::uint64_t all = own_resident_bytes();
        const std::uint64_t own = engine::Arena::process_bytes();
        return all > own ? all - own : 0;
    }
    std::uint64_t percent() const {
        return resident_of_heap() * 100 / std::max<std::uint64_t>(live_bytes(), 1);
    }
    static void tell(unsigned number, const char* what, std::uint64_t value) {
        char name[64];
        std::snprintf(name, sizeof name, "era-%u-%s", number, what);
        figure(name, value);
    }

    const HeapCalls& heap_;
    std::uint64_t seed_;
    Pulse& pulse_;
    HeldBytes held_bytes_;
    engine::Arena arena_;
    engine::Team team_;
    Member members_[threads];
    LeakWatch watch_{first_judgement};
    LeakWatch fragmentation_watch_{first_fragmentation_judgement, fragmentation_matters};
    std::uint64_t cycles_ = 0;
    std::uint64_t resident_at_full_ = 0; // of this cycle's eras
    std::uint64_t live_at_full_ = 0;     // of all eras
};

} // namespace

bool run_soak(const HeapCalls& heap, const OrdealOptions& options, Pulse& pulse, HeldBytes held_bytes) {
    Soak soak(heap, options.seed, pulse, held_bytes);
    const std::uint64_t deadline = engine::monotonic_ns() + options.seconds * 1'000'000'000ULL;
    unsigned era = 0;
    for (; engine::monotonic_ns() < deadline; ++era) {
        pulse.episode = era;
        soak.era(era);
    }
    figure("eras", era);
    return soak.conclude();
}

} // namespace faultline::stress
