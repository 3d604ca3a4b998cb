#include "workloads/engine/occupancy.hpp"

#include "base/error.hpp"
#include "workloads/engine/die.hpp"
#include "workloads/engine/object.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <dlfcn.h>
#include <malloc.h>
#include <sys/mman.h>
#include <type_traits>

namespace faultline::engine {

namespace {

constexpr std::uint64_t page_bytes = 4096;
constexpr auto relaxed = std::memory_order_relaxed;

// Zeroed and resident.
void* map_table(std::size_t bytes) {
    void* const mapping =
        mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (mapping == MAP_FAILED)
        die(static_cast<int>(Exit::os), "cannot map %zu bytes for counters of pages: %s", bytes,
            strerrordesc_np(errno));
    return mapping;
}

OccupancyBoard::Lane& own_lane(OccupancyBoard& board) {
    static std::atomic<unsigned> next{0};
    static thread_local const unsigned number = next.fetch_add(1, relaxed) % OccupancyBoard::lane_count;
    return board.lanes[number];
}

} // namespace

OccupancySums OccupancyBoard::sums() const {
    OccupancySums sums{.tables_bytes = tables_bytes.load(relaxed)};
    for (const Lane& lane : lanes) {
        sums.requested_bytes += lane.requested_bytes.load(relaxed);
        sums.usable_bytes += lane.usable_bytes.load(relaxed);
        sums.rounding_bytes += lane.rounding_bytes.load(relaxed);
        sums.pages_bytes += lane.pages.load(relaxed) * page_bytes;
    }
    return sums;
}

Occupancy::Occupancy(OccupancyBoard& board)
    : board_(board), root_(*new (map_table(sizeof root_)) std::remove_reference_t<decltype(root_)>()) {
    board_.tables_bytes.fetch_add(sizeof root_, relaxed);
}

Occupancy::~Occupancy() {
    for (std::atomic<Middle*>& place : root_) {
        Middle* const middle = place.load();
        if (middle == nullptr)
            continue;
        for (std::atomic<Leaf*>& leaf : *middle)
            if (leaf.load() != nullptr)
                munmap(leaf.load(), sizeof(Leaf));
        munmap(middle, sizeof(Middle));
    }
    munmap(&root_, sizeof root_);
}

std::string Occupancy::why_not() {
    const std::string answers = object_of(dlsym(RTLD_DEFAULT, "malloc"));
    const std::string knows_sizes = object_of(dlsym(RTLD_DEFAULT, "malloc_usable_size"));
    return answers == knows_sizes
               ? ""
               : "the allocator has no malloc_usable_size, so nobody knows what it rounds up";
}

std::string Occupancy::trouble() const {
    if (says_less_)
        return "malloc_usable_size says of blocks that they are smaller than was asked for";
    const OccupancySums sums = board_.sums();
    return sums.requested_bytes + sums.rounding_bytes <= sums.pages_bytes
               ? ""
               : "by malloc_usable_size live blocks overlap: they would need more than the pages they lie on";
}

std::string Occupancy::trouble_at_end() const {
    const OccupancySums left = board_.sums();
    if (left.requested_bytes == 0 && left.usable_bytes == 0 && left.rounding_bytes == 0 &&
        left.pages_bytes == 0)
        return trouble();
    return "the sizes of blocks at free are not those at malloc: sums of what is live do not end at 0";
}

template <typename Node>
Node& Occupancy::node(std::atomic<Node*>& place) {
    Node* found = place.load(std::memory_order_acquire);
    if (found != nullptr)
        return *found;
    Node* const made = new (map_table(sizeof(Node))) Node();
    if (place.compare_exchange_strong(found, made, std::memory_order_acq_rel)) {
        board_.tables_bytes.fetch_add(sizeof(Node), relaxed);
        return *made;
    }
    munmap(made, sizeof(Node)); // another thread was faster
    return *found;
}

std::atomic<std::uint32_t>& Occupancy::counter(std::uintptr_t page) {
    const std::uintptr_t top = page >> (leaf_bits + middle_bits);
    if (top >= root_.size())
        die(static_cast<int>(Exit::software), "a block lies above the 47 bits of a program's addresses");
    Middle& middle = node(root_[top]);
    Leaf& leaf = node(middle[(page >> leaf_bits) & (middle.size() - 1)]);
    return leaf[page & (leaf.size() - 1)];
}

Occupancy::Extent Occupancy::extent(void* block, std::size_t bytes) {
    const std::size_t usable = malloc_usable_size(block);
    if (usable < bytes)
        says_less_ = true;
    const auto begin = reinterpret_cast<std::uintptr_t>(block);
    const std::uintptr_t last_page = (begin + std::max<std::size_t>(bytes, 1) - 1) >> page_bits;
    const std::uintptr_t pages_end = (last_page + 1) << page_bits;
    const std::uintptr_t usable_end = std::min(begin + std::max(usable, bytes), pages_end);
    return {usable, usable_end - (begin + bytes), begin >> page_bits, last_page};
}

void Occupancy::made(Operation, void* block, std::size_t bytes) {
    const Extent extent = this->extent(block, bytes);
    std::uint64_t fresh = 0;
    for (std::uintptr_t page = extent.first_page; page <= extent.last_page; ++page)
        fresh += counter(page).fetch_add(1, relaxed) == 0 ? 1 : 0;
    OccupancyBoard::Lane& lane = own_lane(board_);
    lane.pages.fetch_add(fresh, relaxed);
    lane.rounding_bytes.fetch_add(extent.rounding_bytes, relaxed);
    lane.usable_bytes.fetch_add(extent.usable_bytes, relaxed);
    lane.requested_bytes.fetch_add(bytes, relaxed);
}

void Occupancy::gone(Operation, void* block, std::size_t bytes) {
    const Extent extent = this->extent(block, bytes);
    OccupancyBoard::Lane& lane = own_lane(board_);
    lane.requested_bytes.fetch_sub(bytes, relaxed);
    lane.usable_bytes.fetch_sub(extent.usable_bytes, relaxed);
    lane.rounding_bytes.fetch_sub(extent.rounding_bytes, relaxed);
    std::uint64_t empty = 0;
    for (std::uintptr_t page = extent.first_page; page <= extent.last_page; ++page)
        empty += counter(page).fetch_sub(1, relaxed) == 1 ? 1 : 0;
    lane.pages.fetch_sub(empty, relaxed);
}

} // namespace faultline::engine
