// alloc-pages: calls that make the kernel take pages of a chosen order for itself, and give them back.
#include "base/fd.hpp"
#include "workloads/engine/parameter.hpp"
#include "workloads/kernel/kernel_pattern.hpp"
#include "workloads/kernel/specs.hpp"

#include <fcntl.h>
#include <linux/if_packet.h>
#include <sys/socket.h>
#include <unistd.h>

namespace faultline::kernel {

namespace {

using namespace engine;

constexpr Parameter parameters[] = {
    choice_parameter(
        "call", "pipe", "pipe|packet",
        "a pipe filled and emptied (order 0), or a packet socket's ring made and closed (any order; root)"),
    integer_parameter("order", "0", 0, 10, "", "2^order pages at a time"),
    integer_parameter("blocks", "14", 1, 4096, "blocks",
                      "taken by one operation; those of a pipe are pages, to 16"),
    integer_parameter("operations", "0", 0, std::int64_t{1} << 40, "calls",
                      "made; 0: 20000 of a pipe, 50 of a ring, whose closing waits for every CPU"),
};

constexpr unsigned frame_bytes = 2048;
constexpr std::uint64_t pipe_pages = 16; // what a pipe holds unless it is told otherwise

std::uint64_t calls_of(const Arguments& arguments) {
    const std::uint64_t given = count_of(arguments, "operations");
    return given != 0 ? given : arguments.text("call") == "pipe" ? 20'000 : 50;
}

class AllocPages final : public KernelPattern {
  public:
    explicit AllocPages(const Arguments& arguments)
        : KernelPattern(arguments, calls_of(arguments)), pipe_(arguments.text("call") == "pipe"),
          block_bytes_(static_cast<unsigned>(page_bytes << count_of(arguments, "order"))),
          blocks_(static_cast<unsigned>(count_of(arguments, "blocks"))), calls_(calls_of(arguments)) {}

    Result<void> prepare() override {
        if (pipe_) {
            int ends[2];
            if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
                return fail_errno(Exit::os, "alloc-pages", "cannot make a pipe", errno);
            read_end_.reset(ends[0]);
            write_end_.reset(ends[1]);
            buffer_ = arena_.array<char>(blocks_ * page_bytes);
        }
        if (!call())
            return fail_errno(Exit::unavailable, "alloc-pages",
                              pipe_ ? "the kernel refuses to fill a pipe"
                                    : "the kernel refuses a packet ring of " + std::to_string(blocks_) +
                                          " blocks of " + std::to_string(block_bytes_ >> 10) + " KiB",
                              errno, pipe_ ? "" : "run as root, or take a lower order or fewer blocks");
        return {};
    }
    std::uint64_t work() override {
        for (std::uint64_t i = 0; i < calls_; ++i)
            if (!call()) [[unlikely]]
                refused("a call that worked before");
        return calls_;
    }

  private:
    bool call() { return pipe_ ? fill_pipe() : make_ring(); }

    bool fill_pipe() {
        const auto bytes = static_cast<ssize_t>(buffer_.size());
        return write(write_end_.get(), buffer_.data(), buffer_.size()) == bytes &&
               read(read_end_.get(), buffer_.data(), buffer_.size()) == bytes;
    }
    bool make_ring() const {
        const Fd ring(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)); // of no protocol: it sees no packet
        tpacket_req request{};
        request.tp_block_size = block_bytes_;
        request.tp_block_nr = blocks_;
        request.tp_frame_size = frame_bytes;
        request.tp_frame_nr = blocks_ * (block_bytes_ / frame_bytes);
        return ring && setsockopt(ring.get(), SOL_PACKET, PACKET_RX_RING, &request, sizeof request) == 0;
    }

    bool pipe_;
    unsigned block_bytes_;
    unsigned blocks_;
    std::uint64_t calls_;
    Fd read_end_;
    Fd write_end_;
    std::span<char> buffer_;
};

Cost cost(const Arguments& arguments) {
    return {.live_bytes = (page_bytes << count_of(arguments, "order")) * count_of(arguments, "blocks"),
            .allocated_bytes = 0,
            .operations = calls_of(arguments)};
}

Result<void> check(const Arguments& arguments, std::string_view where) {
    if (arguments.text("call") == "pipe" &&
        (count_of(arguments, "order") != 0 || count_of(arguments, "blocks") > pipe_pages))
        return fail(Exit::usage, std::string(where), "a pipe takes pages of order 0, and at most 16 of them",
                    "use call=packet for other orders");
    return {};
}

Result<void> able(const Arguments& arguments, const Means& means) {
    if (arguments.text("call") == "packet" && !means.root)
        return fail(Exit::unavailable, "alloc-pages", "call=packet needs root",
                    "run as root, or use call=pipe");
    return {};
}

} // namespace

constinit const WorkloadSpec alloc_pages_spec = {
    .name = "alloc-pages",
    .summary = "calls that make the kernel take pages of a chosen order",
    .citation = "this project; as measured with the tracepoint kmem:mm_page_alloc",
    .parameters = parameters,
    .threaded = false,
    .micro = false,
    .cost = cost,
    .make = make_kernel<AllocPages>,
    .check = check,
    .kernel =
        "a call: `blocks` times alloc_pages of `order`; a pipe keeps two of its pages for the next time",
    .able = able,
};

} // namespace faultline::kernel
