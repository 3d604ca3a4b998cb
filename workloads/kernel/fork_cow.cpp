// fork-cow: a process that forks and then writes: each page that both had is copied once. What a server does that
// snapshots itself, as redis.
#include "base/fd.hpp"
#include "workloads/engine/parameter.hpp"
#include "workloads/kernel/kernel_pattern.hpp"
#include "workloads/kernel/specs.hpp"

#include <fcntl.h>
#include <optional>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace faultline::kernel {

namespace {

using namespace engine;

constexpr Parameter parameters[] = {
    integer_parameter("size", "64M", page_bytes, std::int64_t{1} << 40, "bytes",
                      "held by the process that forks"),
    integer_parameter("passes", "6", 1, 1 << 20, "forks",
                      "each with a child that shares the memory until it is written"),
    integer_parameter("written", "100", 0, 100, "percent", "of the pages, after each fork"),
    choice_parameter("by", "parent", "parent|child",
                     "who writes; a child's faults are in its parent's wall time, and not in its CPU time"),
    choice_parameter("order", "sequential", "sequential|random", "in which pages are written"),
};

std::uint64_t written_pages(const Arguments& arguments) {
    return count_of(arguments, "size") / page_bytes * count_of(arguments, "written") / 100;
}

class ForkCow final : public KernelPattern {
  public:
    static std::uint64_t operations(const Arguments& arguments) {
        return count_of(arguments, "passes") * (1 + written_pages(arguments));
    }
    explicit ForkCow(const Arguments& arguments)
        : KernelPattern(arguments, operations(arguments)), pages_(count_of(arguments, "size") / page_bytes),
          written_(written_pages(arguments)), passes_(count_of(arguments, "passes")),
          child_writes_(arguments.text("by") == "child"), random_(arguments.text("order") == "random") {}

    Result<void> prepare() override {
        order_ = page_order(arena_, pages_, random_, seed_);
        small_.emplace();
        return {};
    }
    void warmup() override {
        area_ = Area(pages_ * page_bytes);
        write_pages(area_.base(), order_, seed_);
    }
    std::uint64_t work() override {
        std::uint64_t sum = 0;
        for (std::uint64_t pass = 0; pass < passes_; ++pass)
            sum += fork_and_write(mix64(seed_ + pass));
        return sum + check_pages(area_.base(), order_.subspan(written_), seed_);
    }
    void drain() override { area_.reset(); }

  private:
    // The child lives until all is written, so that its pages are others than ours.
    std::uint64_t fork_and_write(std::uint64_t cookie) {
        int gate[2];
        done(pipe2(gate, O_CLOEXEC), "cannot make a pipe");
        const Fd read_end(gate[0]);
        Fd write_end(gate[1]);
        const pid_t child = done(fork(), "cannot fork");
        const std::span<const std::uint32_t> some = order_.first(written_);
        if (child == 0) {
            write_end.reset();
            char byte = 0;
            if (child_writes_)
                write_pages(area_.base(), some, cookie);
            _exit(read(read_end.get(), &byte, 1) == 0 ? 0 : 1);
        }
        if (!child_writes_)
            write_pages(area_.base(), some, cookie);
        write_end.reset();
        int status = 0;
        done(waitpid(child, &status, 0), "waitpid");
        if (status != 0) {
            errno = ECHILD;
            refused("the child did not end well");
        }
        return child_writes_ ? cookie : check_pages(area_.base(), some, cookie);
    }

    std::size_t pages_;
    std::size_t written_;
    std::uint64_t passes_;
    bool child_writes_;
    bool random_;
    Area area_;
    std::span<const std::uint32_t> order_;
    std::optional<SmallPages> small_;
};

Cost cost(const Arguments& arguments) {
    return {.live_bytes = 2 * count_of(arguments, "size"), // where all is copied
            .allocated_bytes = 0,
            .operations = ForkCow::operations(arguments)};
}

} // namespace

constinit const WorkloadSpec fork_cow_spec = {
    .name = "fork-cow",
    .summary = "fork, then writes to memory that both share: copy-on-write",
    .citation = "this project; what redis's BGSAVE makes of a heap",
    .parameters = parameters,
    .threaded = false,
    .micro = false,
    .cost = cost,
    .make = make_kernel<ForkCow>,
    .kernel = "a page written after a fork: one copy-on-write fault and one page of order 0; a fork: page "
              "tables, a task and "
              "a vmalloc'ed stack",
};

} // namespace faultline::kernel
