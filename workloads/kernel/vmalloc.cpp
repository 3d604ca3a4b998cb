// vmalloc: calls that make the kernel map scattered pages into one range of its address space, and unmap it again.
#include "base/fd.hpp"
#include "workloads/engine/parameter.hpp"
#include "workloads/kernel/kernel_pattern.hpp"
#include "workloads/kernel/specs.hpp"

#include <linux/bpf.h>
#include <linux/filter.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace faultline::kernel {

namespace {

using namespace engine;

constexpr Parameter parameters[] = {
    choice_parameter("call", "filter", "filter|map",
                     "a socket filter attached (anybody may), or a BPF array made and closed (root)"),
    integer_parameter("size", "16K", 8, 1 << 30, "bytes",
                      "of the filter's code, to 32K, or of the array, from 64K"),
    integer_parameter("operations", "2000", 1, std::int64_t{1} << 40, "calls", "made"),
};

constexpr std::uint64_t most_filter_bytes = BPF_MAXINSNS * sizeof(sock_filter);
constexpr std::uint64_t least_map_bytes = 64 << 10; // below that the kernel takes kmalloc
constexpr std::uint32_t map_value_bytes = 8;

class Vmalloc final : public KernelPattern {
  public:
    explicit Vmalloc(const Arguments& arguments)
        : KernelPattern(arguments, count_of(arguments, "operations")),
          filters_(arguments.text("call") == "filter"), bytes_(count_of(arguments, "size")),
          calls_(count_of(arguments, "operations")) {}

    Result<void> prepare() override {
        socket_.reset(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        code_ = arena_.array<sock_filter>(bytes_ / sizeof(sock_filter));
        std::ranges::fill(code_, sock_filter{BPF_LD | BPF_IMM, 0, 0, 0});
        code_.back() = {BPF_RET | BPF_K, 0, 0, 0xffff};
        if (!call())
            return fail_errno(Exit::unavailable, "vmalloc",
                              filters_ ? "the kernel refuses a socket filter"
                                       : "the kernel refuses a BPF array",
                              errno, filters_ ? "" : "run as root, or with CAP_BPF");
        return {};
    }
    std::uint64_t work() override {
        for (std::uint64_t i = 0; i < calls_; ++i)
            if (!call()) [[unlikely]]
                refused("a call that worked before");
        return calls_;
    }

  private:
    bool call() {
        if (filters_) { // takes the place of the one before it
            const sock_fprog program{static_cast<unsigned short>(code_.size()), code_.data()};
            return setsockopt(socket_.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
        }
        bpf_attr attributes{};
        attributes.map_type = BPF_MAP_TYPE_ARRAY;
        attributes.key_size = sizeof(std::uint32_t);
        attributes.value_size = map_value_bytes;
        attributes.max_entries = static_cast<std::uint32_t>(bytes_ / map_value_bytes);
        const Fd map(static_cast<int>(syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes)));
        return static_cast<bool>(map);
    }

    bool filters_;
    std::size_t bytes_;
    std::uint64_t calls_;
    Fd socket_;
    std::span<sock_filter> code_;
};

Cost cost(const Arguments& arguments) {
    return {.live_bytes = 2 * count_of(arguments, "size"),
            .allocated_bytes = 0,
            .operations = count_of(arguments, "operations")};
}

Result<void> check(const Arguments& arguments, std::string_view where) {
    const std::uint64_t size = count_of(arguments, "size");
    const bool filter = arguments.text("call") == "filter";
    if (filter ? size > most_filter_bytes : size < least_map_bytes)
        return fail(Exit::usage, std::string(where),
                    "size=" + std::to_string(size) + " is out of range for call=" + arguments.text("call"),
                    filter ? "give at most " + std::to_string(most_filter_bytes)
                           : "give at least " + std::to_string(least_map_bytes));
    return {};
}

Result<void> able(const Arguments& arguments, const Means& means) {
    if (arguments.text("call") == "map" && !means.root)
        return fail(Exit::unavailable, "vmalloc", "call=map needs root", "run as root, or use call=filter");
    return {};
}

} // namespace

constinit const WorkloadSpec vmalloc_spec = {
    .name = "vmalloc",
    .summary = "calls that make the kernel vmalloc: socket filters, BPF arrays",
    .citation = "this project; as measured with the tracepoint vmalloc:alloc_vmap_area",
    .parameters = parameters,
    .threaded = false,
    .micro = false,
    .cost = cost,
    .make = make_kernel<Vmalloc>,
    .check = check,
    .kernel = "a call: at least one area of vmalloc, with a guard page, from pages of order 0",
    .able = able,
};

} // namespace faultline::kernel
