// What the patterns share that make the kernel work: a memory allocator is not in what they measure, so they run once
// a round and not once for each allocator.
//
// Calls that must succeed for the pattern to mean anything are wrapped in `done`: a refusal ends the worker with one
// line and EX_OSERR.
#pragma once

#include "workloads/engine/arena.hpp"
#include "workloads/engine/rng.hpp"
#include "workloads/engine/workload.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

namespace faultline::kernel {

inline constexpr std::size_t page_bytes = 4096;
inline constexpr std::size_t huge_page_bytes = std::size_t{2} << 20;

class KernelPattern : public engine::Workload {
  public:
    KernelPattern(const engine::Arguments& arguments, std::uint64_t operations)
        : seed_(arguments.seed), threads_(arguments.threads), operations_(operations) {}

    void measure() final { sum_ += work(); }
    void drain() override {}
    std::uint64_t operations() const final { return operations_; }
    std::uint64_t checksum() const final { return engine::mix64(engine::mix64(seed_) + sum_); }

  protected:
    virtual std::uint64_t work() = 0; // what was read back: depends on arguments and seed alone

    engine::Arena arena_;
    std::uint64_t seed_;
    unsigned threads_;

  private:
    std::uint64_t operations_;
    std::uint64_t sum_ = 0;
};

// Ends the worker: `what` was refused, with errno.
[[noreturn, gnu::cold]] void refused(const char* what);

template <typename T>
T done(T result, const char* what) {
    if (result < 0) [[unlikely]]
        refused(what);
    return result;
}

// Pages of a process's own, mapped here and unmapped with the object.
class Area {
  public:
    Area() = default;
    explicit Area(std::size_t bytes, int flags = 0, int fd = -1, int protection = 3 /* read and write */);
    ~Area() { reset(); }
    Area(Area&& other) noexcept : base_(other.base_), bytes_(other.bytes_) { other.base_ = nullptr; }
    Area& operator=(Area&& other) noexcept {
        std::swap(base_, other.base_);
        std::swap(bytes_, other.bytes_);
        return *this;
    }
    Area(const Area&) = delete;
    Area& operator=(const Area&) = delete;

    void reset();
    char* base() const { return base_; }
    std::size_t bytes() const { return bytes_; }
    std::size_t pages() const { return bytes_ / page_bytes; }
    void advise(int advice, const char* what) const;

  private:
    char* base_ = nullptr;
    std::size_t bytes_ = 0;
};

// The order in which pages are visited, drawn before the clock starts.
std::span<const std::uint32_t> page_order(engine::Arena& arena, std::size_t pages, bool random,
                                          std::uint64_t seed);

// A word on each page, in this order: it depends on the page and `cookie`.
void write_pages(char* base, std::span<const std::uint32_t> order, std::uint64_t cookie);
// The same words read back and added up. A difference ends the worker with worker_corrupt.
std::uint64_t check_pages(const char* base, std::span<const std::uint32_t> order, std::uint64_t cookie);
// Reads a word of each page, whatever is there.
std::uint64_t read_pages(const char* base, std::span<const std::uint32_t> order);

// While it lives this process gets no transparent huge pages, so that a page is one fault.
class SmallPages {
  public:
    SmallPages();
    ~SmallPages();
    SmallPages(const SmallPages&) = delete;
    SmallPages& operator=(const SmallPages&) = delete;
};

inline std::uint64_t count_of(const engine::Arguments& arguments, std::string_view name) {
    return static_cast<std::uint64_t>(arguments.integer(name));
}

template <typename Made>
std::unique_ptr<engine::Workload> make_kernel(const engine::Arguments& arguments) {
    return std::make_unique<Made>(arguments);
}

} // namespace faultline::kernel
