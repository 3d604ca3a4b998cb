// grow: an address space that grows step by step and shrinks again, by each of the calls an allocator can use for it.
#include "workloads/engine/parameter.hpp"
#include "workloads/kernel/kernel_pattern.hpp"
#include "workloads/kernel/specs.hpp"

#include <optional>
#include <sys/mman.h>
#include <unistd.h>

namespace faultline::kernel {

namespace {

using namespace engine;

constexpr Parameter parameters[] = {
    choice_parameter("how", "mmap", "mmap|brk|mremap",
                     "the call: a mapping each step, the break, or one mapping grown"),
    integer_parameter("size", "64M", page_bytes, std::int64_t{1} << 40, "bytes", "at the top"),
    integer_parameter("step", "128K", page_bytes, std::int64_t{1} << 30, "bytes",
                      "of one call; a multiple of 4K"),
    integer_parameter("passes", "6", 1, 1 << 20, "passes", "of growing and shrinking"),
    choice_parameter("touch", "page", "page|none",
                     "each page written, or none: then the kernel's own objects are left"),
};

std::uint64_t steps_of(const Arguments& arguments) {
    return count_of(arguments, "size") / count_of(arguments, "step");
}

// One way up and down. grow() gives the start of the fresh step.
class Ground {
  public:
    virtual ~Ground() = default;
    virtual char* grow(std::size_t step_bytes) = 0;
    virtual void shrink(std::size_t step_bytes) = 0;
};

class Mappings final : public Ground {
  public:
    Mappings(Arena& arena, std::size_t steps) : mapped_(arena.array<void*>(steps)) {}
    char* grow(std::size_t bytes) override {
        void* fresh = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (fresh == MAP_FAILED)
            refused("mmap");
        mapped_[count_++] = fresh;
        return static_cast<char*>(fresh);
    }
    void shrink(std::size_t bytes) override { done(munmap(mapped_[--count_], bytes), "munmap"); }

  private:
    std::span<void*> mapped_;
    std::size_t count_ = 0;
};

// glibc's malloc is not called meanwhile, and finds the break where it left it.
class Break final : public Ground {
  public:
    char* grow(std::size_t bytes) override {
        void* fresh = sbrk(static_cast<intptr_t>(bytes));
        if (reinterpret_cast<intptr_t>(fresh) == -1)
            refused("brk");
        return static_cast<char*>(fresh);
    }
    void shrink(std::size_t bytes) override {
        if (reinterpret_cast<intptr_t>(sbrk(-static_cast<intptr_t>(bytes))) == -1)
            refused("brk");
    }
};

class OneMapping final : public Ground {
  public:
    char* grow(std::size_t bytes) override {
        void* place = base_ == nullptr
                          ? mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                          : mremap(base_, bytes_, bytes_ + bytes, MREMAP_MAYMOVE);
        if (place == MAP_FAILED)
            refused("mremap");
        base_ = static_cast<char*>(place);
        bytes_ += bytes;
        return base_ + bytes_ - bytes;
    }
    void shrink(std::size_t bytes) override {
        bytes_ -= bytes;
        if (bytes_ == 0)
            done(munmap(base_, bytes), "munmap");
        else if (mremap(base_, bytes_ + bytes, bytes_, 0) == MAP_FAILED)
            refused("mremap");
        if (bytes_ == 0)
            base_ = nullptr;
    }

  private:
    char* base_ = nullptr;
    std::size_t bytes_ = 0;
};

class Grow final : public KernelPattern {
  public:
    static std::uint64_t operations(const Arguments& arguments) {
        return 2 * count_of(arguments, "passes") * steps_of(arguments);
    }
    explicit Grow(const Arguments& arguments)
        : KernelPattern(arguments, operations(arguments)), how_(arguments.text("how")),
          steps_(steps_of(arguments)), step_bytes_(count_of(arguments, "step")),
          passes_(count_of(arguments, "passes")), touch_(arguments.text("touch") == "page") {}

    Result<void> prepare() override {
        order_ = page_order(arena_, step_bytes_ / page_bytes, false, seed_);
        if (how_ == "mmap")
            ground_ = std::make_unique<Mappings>(arena_, steps_);
        else if (how_ == "brk")
            ground_ = std::make_unique<Break>();
        else
            ground_ = std::make_unique<OneMapping>();
        small_.emplace();
        return {};
    }
    std::uint64_t work() override {
        std::uint64_t sum = 0;
        for (std::uint64_t pass = 0; pass < passes_; ++pass) {
            for (std::uint64_t step = 0; step < steps_; ++step) {
                char* fresh = ground_->grow(step_bytes_);
                const std::uint64_t cookie = mix64(seed_ + pass * steps_ + step);
                if (touch_) {
                    write_pages(fresh, order_, cookie);
                    sum += check_pages(fresh, order_, cookie);
                }
            }
            for (std::uint64_t step = 0; step < steps_; ++step)
                ground_->shrink(step_bytes_);
        }
        return sum;
    }

  private:
    std::string how_;
    std::uint64_t steps_;
    std::size_t step_bytes_;
    std::uint64_t passes_;
    bool touch_;
    std::span<const std::uint32_t> order_;
    std::unique_ptr<Ground> ground_;
    std::optional<SmallPages> small_;
};

Cost cost(const Arguments& arguments) {
    return {.live_bytes = count_of(arguments, "size"),
            .allocated_bytes = 0,
            .operations = Grow::operations(arguments)};
}

Result<void> check(const Arguments& arguments, std::string_view where) {
    const std::uint64_t step = count_of(arguments, "step");
    if (step % page_bytes != 0 || step > count_of(arguments, "size"))
        return fail(Exit::usage, std::string(where), "step is no multiple of 4K, or above size",
                    "change one of them");
    return {};
}

} // namespace

constinit const WorkloadSpec grow_spec = {
    .name = "grow",
    .summary = "an address space grown and shrunk step by step: brk against mmap against mremap",
    .citation = "this project; the calls behind malloc's top, its large blocks and realloc",
    .parameters = parameters,
    .threaded = false,
    .micro = false,
    .cost = cost,
    .make = make_kernel<Grow>,
    .check = check,
    .kernel = "a step up or down: one call of brk, mmap, munmap or mremap; on the way up one anonymous fault "
              "for each page "
              "that is touched",
};

} // namespace faultline::kernel
