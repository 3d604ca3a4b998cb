// anon-touch: memory that is mapped, touched page by page, and given back: the plainest fault there is, and what huge
// pages, populating calls and the order of the touches make of it. With several threads: faults into one address space.
#include "workloads/engine/parameter.hpp"
#include "workloads/engine/team.hpp"
#include "workloads/kernel/kernel_pattern.hpp"
#include "workloads/kernel/specs.hpp"

#include <optional>
#include <sys/mman.h>

namespace faultline::kernel {

namespace {

using namespace engine;

constexpr Parameter parameters[] = {
    integer_parameter("size", "64M", page_bytes, std::int64_t{1} << 40, "bytes",
                      "mapped by each thread at a time"),
    integer_parameter("passes", "6", 1, 1 << 20, "passes", "of mapping, touching and unmapping"),
    choice_parameter("order", "sequential", "sequential|random", "in which pages are touched"),
    choice_parameter(
        "how", "write", "write|read|populate|populate-write",
        "written; only read; brought in by MAP_POPULATE or MADV_POPULATE_WRITE and then written"),
    choice_parameter("huge", "off", "off|on|default",
                     "transparent huge pages: never, MADV_HUGEPAGE, or the host's way"),
};

std::uint64_t pages_of(const Arguments& arguments) {
    return count_of(arguments, "size") / page_bytes;
}

class AnonTouch final : public KernelPattern {
  public:
    static std::uint64_t operations(const Arguments& arguments) {
        return arguments.threads * count_of(arguments, "passes") * pages_of(arguments);
    }
    explicit AnonTouch(const Arguments& arguments)
        : KernelPattern(arguments, operations(arguments)), bytes_(pages_of(arguments) * page_bytes),
          passes_(count_of(arguments, "passes")), random_(arguments.text("order") == "random"),
          reads_(arguments.text("how") == "read"), populates_(arguments.text("how") == "populate"),
          populates_for_writing_(arguments.text("how") == "populate-write"),
          huge_(arguments.text("huge") == "on") {
        if (arguments.text("huge") == "off")
            small_.emplace();
    }

    Result<void> prepare() override {
        order_ = page_order(arena_, bytes_ / page_bytes, random_, seed_);
        sums_ = arena_.array<std::uint64_t>(threads_);
        team_.prepare(arena_, threads_);
        return {};
    }
    void warmup() override {
        if (threads_ > 1)
            team_.start();
    }
    std::uint64_t work() override {
        if (threads_ == 1)
            return pass_by_pass(0);
        team_.run([this](unsigned index) { sums_[index] = pass_by_pass(index); });
        std::uint64_t sum = 0;
        for (const std::uint64_t part : sums_)
            sum += part;
        return sum;
    }
    void drain() override { team_.join(); }

  private:
    std::uint64_t pass_by_pass(unsigned thread) {
        std::uint64_t sum = 0;
        for (std::uint64_t pass = 0; pass < passes_; ++pass)
            sum += one_pass(mix64(seed_ + pass * threads_ + thread));
        return sum;
    }
    // A huge page needs an aligned place: the area is that much larger.
    std::uint64_t one_pass(std::uint64_t cookie) {
        const Area area(bytes_ + (huge_ ? huge_page_bytes : 0), populates_ ? MAP_POPULATE : 0);
        char* base = area.base();
        if (huge_) {
            const auto address = reinterpret_cast<std::uintptr_t>(base);
            base += (huge_page_bytes - address % huge_page_bytes) % huge_page_bytes;
            done(madvise(base, bytes_, MADV_HUGEPAGE), "cannot ask for huge pages");
        }
        if (populates_for_writing_)
            area.advise(MADV_POPULATE_WRITE, "MADV_POPULATE_WRITE");
        if (reads_)
            return read_pages(base, order_) + cookie;
        write_pages(base, order_, cookie);
        return check_pages(base, order_, cookie);
    }

    std::size_t bytes_;
    std::uint64_t passes_;
    bool random_;
    bool reads_;
    bool populates_;
    bool populates_for_writing_;
    bool huge_;
    std::optional<SmallPages> small_;
    std::span<const std::uint32_t> order_;
    std::span<std::uint64_t> sums_;
    Team team_;
};

Cost cost(const Arguments& arguments) {
    return {.live_bytes = arguments.threads * count_of(arguments, "size"),
            .allocated_bytes = 0,
            .operations = AnonTouch::operations(arguments)};
}

Result<void> check(const Arguments& arguments, std::string_view where) {
    if (arguments.text("huge") == "on" &&
        (count_of(arguments, "size") % huge_page_bytes != 0 || arguments.text("how") == "populate"))
        return fail(Exit::usage, std::string(where),
                    "huge=on goes with sizes that are multiples of 2M, and how=populate comes before it",
                    "change one of them");
    return {};
}

Result<void> able(const Arguments& arguments, const Means& means) {
    if (arguments.text("huge") == "on" && !means.huge_pages)
        return fail(Exit::unavailable, "anon-touch", "transparent huge pages are off on this host",
                    "echo madvise >/sys/kernel/mm/transparent_hugepage/enabled");
    return {};
}

} // namespace

constinit const WorkloadSpec anon_touch_spec = {
    .name = "anon-touchN",
    .summary = "anonymous memory mapped, touched page by page, and unmapped",
    .citation = "this project; as lmbench's lat_pagefault and will-it-scale's page_fault1 do",
    .parameters = parameters,
    .threaded = true,
    .micro = false,
    .cost = cost,
    .make = make_kernel<AnonTouch>,
    .check = check,
    .kernel = "a page touched: one anonymous fault and one page of order 0; with huge=on one fault and one "
              "page of order "
              "9 for 2 MiB; with how=read the shared page of zeros; with the populating ones no exception",
    .able = able,
};

} // namespace faultline::kernel
