#include "workloads/engine/arena.hpp"

#include "base/error.hpp"
#include "workloads/engine/die.hpp"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <sys/mman.h>

namespace faultline::engine {

namespace {

constexpr std::size_t line_bytes = 64;
constexpr std::size_t page_bytes = 4096; // a smaller true page size would only fault more, a larger one less
constexpr std::size_t chunk_bytes = 256 * 1024;

std::atomic<std::uint64_t> mapped_bytes{0};

constexpr std::size_t round_up(std::size_t value, std::size_t unit) {
    return (value + unit - 1) / unit * unit;
}

} // namespace

Arena::~Arena() {
    while (chunks_ != nullptr) {
        Chunk* chunk = chunks_;
        chunks_ = chunk->next;
        mapped_bytes -= chunk->bytes;
        munmap(chunk, chunk->bytes);
    }
}

std::uint64_t Arena::process_bytes() {
    return mapped_bytes;
}

void* Arena::take(std::size_t count, std::size_t element_bytes) {
    std::size_t bytes = 0;
    if (__builtin_mul_overflow(count, element_bytes, &bytes) || bytes > PTRDIFF_MAX - chunk_bytes)
        die(static_cast<int>(Exit::os), "the workload needs %zu elements of %zu bytes for itself", count,
            element_bytes);
    bytes = round_up(bytes, line_bytes);
    if (bytes > chunk_bytes / 4)
        return map(bytes);
    if (bytes > left_) {
        next_ = map(chunk_bytes - line_bytes);
        left_ = chunk_bytes - line_bytes;
    }
    char* taken = next_;
    next_ += bytes;
    left_ -= bytes;
    return taken;
}

char* Arena::map(std::size_t bytes) {
    static_assert(sizeof(Chunk) <= line_bytes);
    const std::size_t total = round_up(bytes + line_bytes, page_bytes);
    void* mapping = mmap(nullptr, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED)
        die(static_cast<int>(Exit::os), "cannot map %zu bytes for the workload's own tables: %s", total,
            strerrordesc_np(errno));
    mapped_bytes += total;
    // By hand: MAP_POPULATE may stop early without saying so, and in a control group that must swap to make room
    // the kernel now and then kills a process that populates much in one call.
    for (std::size_t at = 0; at < total; at += page_bytes)
        static_cast<volatile char*>(mapping)[at] = 0;
    // Under pressure it is the allocator's memory that is swapped, not the harness's own; where this user may not
    // lock so much, both are.
    (void)mlock(mapping, total);
    Chunk* chunk = new (mapping) Chunk{chunks_, total};
    chunks_ = chunk;
    return static_cast<char*>(mapping) + line_bytes;
}

} // namespace faultline::engine
