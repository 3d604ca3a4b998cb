// The programs of trial.bpf.c, loaded into the kernel as far as this kernel has what they hang on, and what
// they counted. Nothing is pinned: whatever happens to this process, the kernel drops them with it.
#pragma once

#include "base/error.hpp"
#include "kernel-probes/bpf/counters.h"

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace faultline::probes::bpf {

// What the programs of these groups need beside themselves.
struct Wish {
    std::set<std::string, std::less<>> programs; // names in trial.bpf.c
    bool kinds = false;                          // follow a fault from its exception on
    bool latency = false;
    bool pages = false; // mm_page_alloc is heard for its own sake, not only for the kinds of faults
    bool slab_table = false;
};

struct PageRow {
    page_key key;
    std::uint64_t calls;
};
struct SlabRow {
    slab_key key;
    std::string cache; // empty: kmalloc
    std::uint64_t calls;
    std::uint64_t bytes;
};

// A refusal of the kernel, with its errno.
struct Refusal {
    Error error;
    int errno_value = 0;
};

class Programs {
  public:
    // Loads what is wished for. Programs that this kernel cannot have (a tracepoint that is missing or has
    // other arguments) are left out, see missing(); it fails when none can be had.
    static tl::expected<Programs, Refusal> load(const Wish& wish);

    // Hangs them on their tracepoints, and counts `pid`, its threads and what descends from it from now on.
    tl::expected<void, Refusal> attach(pid_t pid);
    void detach();

    // Programs wished for that are not there -> why.
    const std::map<std::string, std::string, std::less<>>& missing() const;

    // Sums over all CPUs since load(); absent when the map could not be read.
    std::optional<counters> totals() const;
    std::array<latency, FAULT_KINDS> latencies() const;
    std::vector<PageRow> pages() const;
    std::vector<SlabRow> slabs() const;
    std::map<std::uint32_t, advice_use> advices() const; // those that were used

    // The names of this kernel's allocation flags, {bit, "MOVABLE"}; empty where its BTF does not say them.
    std::vector<std::pair<unsigned, std::string>> gfp_flags() const;

    Programs(Programs&&) noexcept;
    Programs& operator=(Programs&&) noexcept;
    Programs(const Programs&) = delete;
    Programs& operator=(const Programs&) = delete;
    ~Programs();

  private:
    tl::expected<void, Refusal> mark(pid_t thread); // as one of the trial's
    struct State;
    explicit Programs(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

} // namespace faultline::probes::bpf
