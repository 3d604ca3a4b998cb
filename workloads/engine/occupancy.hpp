// What the live blocks occupy, so that resident memory can be divided: bytes asked for, what sizes were rounded up by
// (internal fragmentation), the rest of the pages that blocks lie on (external fragmentation), and, resident beyond
// those pages, what the allocator keeps. In a trial of its own: every call then costs some tens of nanoseconds more.
//
// Rounding up is what malloc_usable_size says beyond the request. Of it counts what lies on pages that the request
// itself lies on: a size class may end whole pages behind that, which nobody wrote to and which are then not resident.
//
// The sums stand in an OccupancyBoard, memory that the harness shares and reads while the trial runs. A page is
// counted once however many blocks lie on it; the counters of pages are own mappings, never the allocator's, and
// their size stands on the board too.
#pragma once

#include "workloads/engine/listener.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

namespace faultline::engine {

struct OccupancySums {
    std::uint64_t requested_bytes = 0;
    std::uint64_t usable_bytes = 0;   // as the allocator says
    std::uint64_t rounding_bytes = 0; // usable and not requested, on pages of the request
    std::uint64_t pages_bytes = 0;    // of all pages that a live block lies on
    std::uint64_t tables_bytes = 0;   // resident, of the harness
};

// Shared by two processes: zeroes at first. A thread writes to a lane, which it may share with others. What is read
// while threads run may be off by the blocks that they are making and freeing.
struct OccupancyBoard {
    static constexpr unsigned lane_count = 63;
    struct alignas(64) Lane { // modulo 2^64: a free may be another lane's than the malloc
        std::atomic<std::uint64_t> requested_bytes;
        std::atomic<std::uint64_t> usable_bytes;
        std::atomic<std::uint64_t> rounding_bytes;
        std::atomic<std::uint64_t> pages;
    };
    alignas(64) std::atomic<std::uint64_t> tables_bytes;
    std::array<Lane, lane_count> lanes;

    OccupancySums sums() const; // modulo 2^64: exact while no thread makes or frees a block
};
static_assert(sizeof(OccupancyBoard) == 4096);

class Occupancy final : public Listener {
  public:
    // `board` lives longer than this. Takes its first tables; blocks made from now on are counted.
    explicit Occupancy(OccupancyBoard& board);
    ~Occupancy();

    // Why it cannot be done in this process: the allocator under test has no malloc_usable_size of its own. "" if it
    // can.
    static std::string why_not();

    // Of the board, while no thread makes or frees a block: "", or what is wrong in it. An allocator that says a block
    // is smaller than asked for, or that blocks overlap, cannot be divided.
    std::string trouble() const;
    // The same when everything was freed: nothing may be left.
    std::string trouble_at_end() const;

    void made(Operation operation, void* block, std::size_t bytes) override;
    void gone(Operation operation, void* block, std::size_t bytes) override;

  private:
    // Counters of blocks by page, as a tree of three levels over 47 bits of address.
    static constexpr unsigned page_bits = 12, leaf_bits = 14, middle_bits = 10, root_bits = 11;
    using Leaf = std::array<std::atomic<std::uint32_t>, std::size_t{1} << leaf_bits>;
    using Middle = std::array<std::atomic<Leaf*>, std::size_t{1} << middle_bits>;

    struct Extent {
        std::uint64_t usable_bytes;
        std::uint64_t rounding_bytes;
        std::uintptr_t first_page;
        std::uintptr_t last_page; // of the request
    };
    Extent extent(void* block, std::size_t bytes);
    std::atomic<std::uint32_t>& counter(std::uintptr_t page);
    template <typename Node>
    Node& node(std::atomic<Node*>& place);

    OccupancyBoard& board_;
    std::array<std::atomic<Middle*>, std::size_t{1} << root_bits>& root_;
    std::atomic<bool> says_less_{false};
};

} // namespace faultline::engine
