// cache-pressure: a heap that is worked on while a file streams through the page cache beside it. Within a limit
// (--memory-limit with --swap) each takes from the other: file pages are read again, or the heap goes to swap.
#include "workloads/engine/parameter.hpp"
#include "workloads/kernel/scratch_file.hpp"
#include "workloads/kernel/specs.hpp"
#include "workloads/synthetic/pattern.hpp"
#include "workloads/synthetic/slots.hpp"

#include <cerrno>
#include <unistd.h>

namespace faultline::kernel {

namespace {

using namespace engine;
using synthetic::count_of;
using synthetic::SlotBlock;

constexpr Parameter parameters[] = {
    integer_parameter("live", "32M", 1 << 16, std::int64_t{1} << 40, "bytes",
                      "of the heap, in blocks of min_size to max_size"),
    integer_parameter("min_size", "64", 1, std::int64_t{1} << 31, "bytes", "smallest block"),
    integer_parameter("max_size", "8K", 1, std::int64_t{1} << 31, "bytes",
                      "largest block; sizes are uniform between"),
    integer_parameter("file", "64M", 1 << 16, std::int64_t{1} << 40, "bytes",
                      "read from end to end, again and again"),
    integer_parameter("operations", "100000", 1, std::int64_t{1} << 40, "replacements",
                      "of a block drawn at random"),
    integer_parameter("read_every", "50", 1, 1 << 20, "replacements", "between two reads of 64K of the file"),
};

constexpr std::size_t read_bytes = 64 << 10;

std::uint64_t blocks_of(const Arguments& arguments) {
    return 2 * count_of(arguments, "live") /
               (count_of(arguments, "min_size") + count_of(arguments, "max_size")) +
           1;
}

class CachePressure final : public synthetic::Pattern {
  public:
    explicit CachePressure(const Arguments& arguments)
        : Pattern(arguments), blocks_(blocks_of(arguments)), min_size_(count_of(arguments, "min_size")),
          max_size_(count_of(arguments, "max_size")),
          file_pages_(count_of(arguments, "file") / read_bytes * read_bytes / page_size),
          steps_(count_of(arguments, "operations")), read_every_(count_of(arguments, "read_every")) {}

    Result<void> prepare() override {
        prepare_lanes(1, {Operation::malloc, Operation::free});
        slots_ = arena_.array<SlotBlock>(blocks_);
        stream_ = arena_.array<synthetic::Replacement>(steps_);
        buffer_ = arena_.array<char>(read_bytes);
        Rng random(seed_);
        for (synthetic::Replacement& step : stream_)
            step = {static_cast<std::uint32_t>(random.below(blocks_)), draw(random)};
        Result<ScratchFile> file = ScratchFile::make(file_pages_, seed_);
        if (!file)
            return tl::unexpected(file.error());
        file_ = *std::move(file);
        file_.drop();
        return {};
    }
    void warmup() override {
        unmeasured([&](Heap& heap, std::uint64_t&) {
            Rng random(seed_, 1);
            for (SlotBlock& slot : slots_)
                synthetic::fill_slot(heap, slot, draw(random), cookie_ += golden_gamma, Touch::page);
        });
    }
    void work() override {
        in_lane(0, [&](Heap& heap, std::uint64_t& sum) {
            std::uint64_t until_read = read_every_;
            for (const synthetic::Replacement& step : stream_) {
                sum += synthetic::empty_slot(heap, slots_[step.slot], Touch::page);
                synthetic::fill_slot(heap, slots_[step.slot], step.size, cookie_ += golden_gamma,
                                     Touch::page);
                if (--until_read == 0) {
                    until_read = read_every_;
                    read_on();
                }
            }
        });
    }
    void drain() override {
        unmeasured([&](Heap& heap, std::uint64_t& sum) {
            for (SlotBlock& slot : slots_)
                sum += synthetic::empty_slot(heap, slot, Touch::page);
        });
    }
    std::uint64_t operations() const override { return 2 * steps_; }

  private:
    static constexpr std::size_t page_size = touch_page_bytes;

    std::uint32_t draw(Rng& random) const {
        return static_cast<std::uint32_t>(random.between(min_size_, max_size_));
    }
    void read_on() {
        if (pread(file_.fd(), buffer_.data(), read_bytes, static_cast<off_t>(at_)) !=
            static_cast<ssize_t>(read_bytes))
            die(static_cast<int>(Exit::os), "cannot read the file: errno %d", errno);
        at_ = at_ + 2 * read_bytes > file_.bytes() ? 0 : at_ + read_bytes;
    }

    std::size_t blocks_;
    std::uint64_t min_size_;
    std::uint64_t max_size_;
    std::size_t file_pages_;
    std::uint64_t steps_;
    std::uint64_t read_every_;
    std::span<SlotBlock> slots_;
    std::span<synthetic::Replacement> stream_;
    std::span<char> buffer_;
    ScratchFile file_;
    std::size_t at_ = 0;
    std::uint64_t cookie_ = mix64(seed_);
};

Cost cost(const Arguments& arguments) {
    const std::uint64_t mean = (count_of(arguments, "min_size") + count_of(arguments, "max_size")) / 2 + 1;
    const std::uint64_t steps = count_of(arguments, "operations");
    return {.live_bytes = blocks_of(arguments) * mean,
            .allocated_bytes = (blocks_of(arguments) + steps) * mean,
            .operations = 2 * steps};
}

} // namespace

constinit const WorkloadSpec cache_pressure_spec = {
    .name = "cache-pressure",
    .summary = "a heap at work while a file streams through the page cache: who gives way within a limit",
    .citation = "this project; databases and build servers within a memory control group",
    .parameters = parameters,
    .threaded = false,
    .micro = false,
    .cost = cost,
    .make = synthetic::make_pattern<CachePressure>,
    .check = synthetic::check_sizes,
};

} // namespace faultline::kernel
