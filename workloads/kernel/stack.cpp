// stack: a deep recursion on the main thread's stack, whose pages are given back between passes: growth below the stack
// pointer, one fault a page.
#include "workloads/engine/die.hpp"
#include "workloads/engine/parameter.hpp"
#include "workloads/kernel/kernel_pattern.hpp"
#include "workloads/kernel/specs.hpp"

#include <optional>
#include <sys/mman.h>
#include <sys/resource.h>

namespace faultline::kernel {

namespace {

using namespace engine;

constexpr Parameter parameters[] = {
    integer_parameter("size", "4M", 64 << 10, std::int64_t{1} << 30, "bytes", "how deep; within `ulimit -s`"),
    integer_parameter("passes", "60", 1, 1 << 20, "passes", "of going down and giving back"),
};

constexpr std::size_t kept_bytes = 256 << 10; // of the limit, for what stands above and below the recursion
constexpr std::size_t frame_bytes = 1024;     // at least three in a page, so that none is left out

std::uint64_t pages_of(const Arguments& arguments) {
    return count_of(arguments, "size") / page_bytes;
}

// Goes down to `until` and up again. Each frame holds its cookie until all below it have returned.
[[gnu::noinline]] void descend(std::uintptr_t until, std::uint64_t cookie) {
    volatile std::uint64_t frame[frame_bytes / sizeof(std::uint64_t)];
    frame[0] = cookie;
    if (reinterpret_cast<std::uintptr_t>(&frame[0]) > until)
        descend(until, mix64(cookie));
    if (frame[0] != cookie) [[unlikely]]
        die_corrupt(const_cast<const std::uint64_t*>(&frame[0]), frame_bytes);
}

class Stack final : public KernelPattern {
  public:
    static std::uint64_t operations(const Arguments& arguments) {
        return count_of(arguments, "passes") * pages_of(arguments);
    }
    explicit Stack(const Arguments& arguments)
        : KernelPattern(arguments, operations(arguments)), bytes_(pages_of(arguments) * page_bytes),
          passes_(count_of(arguments, "passes")) {}

    Result<void> prepare() override {
        rlimit limit{};
        getrlimit(RLIMIT_STACK, &limit);
        if (limit.rlim_cur != RLIM_INFINITY && bytes_ + kept_bytes > limit.rlim_cur)
            return fail(Exit::unavailable, "stack",
                        "the stack may grow to " + std::to_string(limit.rlim_cur >> 10) + " KiB only",
                        "make size smaller, or raise it with `ulimit -s`");
        small_.emplace();
        return {};
    }
    [[gnu::noinline]] std::uint64_t work() override {
        char here = 0;
        const auto top = reinterpret_cast<std::uintptr_t>(&here) / page_bytes * page_bytes - 2 * page_bytes;
        const std::uintptr_t bottom = top - bytes_;
        std::uint64_t sum = 0;
        for (std::uint64_t pass = 0; pass < passes_; ++pass) {
            give_back(bottom - page_bytes, top); // what warm-up or the pass before left
            descend(bottom, mix64(seed_ + pass));
            sum += mix64(seed_ + pass);
        }
        return sum;
    }

  private:
    // The stack's mapping may not reach down to `bottom` yet: madvise takes what there is and then says so.
    static void give_back(std::uintptr_t bottom, std::uintptr_t top) {
        // NOLINTNEXTLINE(performance-no-int-to-ptr): no object is meant
        if (madvise(reinterpret_cast<void*>(bottom), top - bottom, MADV_DONTNEED) != 0 && errno != ENOMEM)
            refused("cannot give back the stack's pages");
    }

    std::size_t bytes_;
    std::uint64_t passes_;
    std::optional<SmallPages> small_;
};

Cost cost(const Arguments& arguments) {
    return {.live_bytes = count_of(arguments, "size"),
            .allocated_bytes = 0,
            .operations = Stack::operations(arguments)};
}

} // namespace

constinit const WorkloadSpec stack_spec = {
    .name = "stack",
    .summary = "a deep recursion on the main thread's stack, given back after each time",
    .citation = "this project; the kernel's expand_stack()",
    .parameters = parameters,
    .threaded = false,
    .micro = false,
    .cost = cost,
    .make = make_kernel<Stack>,
    .kernel = "a page of the stack: one anonymous fault and one page of order 0",
};

} // namespace faultline::kernel
