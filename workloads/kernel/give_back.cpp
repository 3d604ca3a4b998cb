// give-back: memory that is handed back to the kernel with madvise and wanted again: what an allocator's purging costs
// later.
#include "workloads/engine/parameter.hpp"
#include "workloads/kernel/kernel_pattern.hpp"
#include "workloads/kernel/specs.hpp"

#include <optional>
#include <sys/mman.h>

namespace faultline::kernel {

namespace {

using namespace engine;

constexpr Parameter parameters[] = {
    choice_parameter("how", "dontneed", "dontneed|free|cold|pageout", "the advice given; pageout needs swap"),
    integer_parameter("size", "64M", page_bytes, std::int64_t{1} << 40, "bytes", "given back at a time"),
    integer_parameter("passes", "6", 1, 1 << 20, "passes", "of giving back and touching again"),
    choice_parameter("order", "sequential", "sequential|random", "in which pages are touched"),
};

int advice_of(std::string_view how) {
    if (how == "free")
        return MADV_FREE;
    if (how == "cold")
        return MADV_COLD;
    return how == "pageout" ? MADV_PAGEOUT : MADV_DONTNEED;
}

class GiveBack final : public KernelPattern {
  public:
    static std::uint64_t operations(const Arguments& arguments) {
        return count_of(arguments, "passes") * (count_of(arguments, "size") / page_bytes);
    }
    explicit GiveBack(const Arguments& arguments)
        : KernelPattern(arguments, operations(arguments)), how_(arguments.text("how")),
          pages_(count_of(arguments, "size") / page_bytes), passes_(count_of(arguments, "passes")),
          random_(arguments.text("order") == "random") {}

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
        for (std::uint64_t pass = 0; pass < passes_; ++pass) {
            area_.advise(advice_of(how_), "madvise");
            // What is kept must come back as it was.
            if (how_ == "cold" || how_ == "pageout")
                sum += check_pages(area_.base(), order_, pass == 0 ? seed_ : mix64(seed_ + pass - 1));
            write_pages(area_.base(), order_, mix64(seed_ + pass));
        }
        return sum + check_pages(area_.base(), order_, mix64(seed_ + passes_ - 1));
    }
    void drain() override { area_.reset(); }

  private:
    std::string how_;
    std::size_t pages_;
    std::uint64_t passes_;
    bool random_;
    Area area_;
    std::span<const std::uint32_t> order_;
    std::optional<SmallPages> small_;
};

Cost cost(const Arguments& arguments) {
    return {.live_bytes = count_of(arguments, "size"),
            .allocated_bytes = 0,
            .operations = GiveBack::operations(arguments)};
}

Result<void> able(const Arguments& arguments, const Means& means) {
    if (arguments.text("how") == "pageout" && means.swap_bytes < count_of(arguments, "size"))
        return fail(Exit::unavailable, "give-back",
                    "how=pageout needs " + std::to_string(count_of(arguments, "size") >> 20) +
                        " MiB of free swap; there are " + std::to_string(means.swap_bytes >> 20),
                    "add --memory-limit and --swap, as root, or choose another way");
    return {};
}

} // namespace

constinit const WorkloadSpec give_back_spec = {
    .name = "give-back",
    .summary = "memory given back with madvise and wanted again at once",
    .citation = "this project; jemalloc's and tcmalloc's purging, madvise(2)",
    .parameters = parameters,
    .threaded = false,
    .micro = false,
    .cost = cost,
    .make = make_kernel<GiveBack>,
    .kernel = "a page: with dontneed one anonymous fault; with free and cold none while memory is not short; "
              "with pageout "
              "one page out and one fault that swaps it in, or brings it and its neighbours",
    .able = able,
};

} // namespace faultline::kernel
