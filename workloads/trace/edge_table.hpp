// All edges of a program. Those of a mapped program are there from the start. Of a streamed one there may be more than
// should be in memory: they come into being when they are used, and a group of them, whose numbers follow each other as
// their releases do in the trace, goes back to the system when the last of its blocks has been taken.
#pragma once

#include "workloads/engine/arena.hpp"
#include "workloads/trace/edge.hpp"

#include <cstddef>
#include <span>

namespace faultline::trace {

class EdgeTable {
  public:
    EdgeTable() = default;
    EdgeTable(const EdgeTable&) = delete;
    EdgeTable& operator=(const EdgeTable&) = delete;
    ~EdgeTable();

    void prepare(std::size_t count, bool streamed, engine::Arena& arena);

    Edge& operator[](std::uint32_t edge) { return edges_[edge]; }

    // Takes the block off a full edge.
    Edge::Parcel remove(std::uint32_t edge) {
        const Edge::Parcel parcel = edges_[edge].remove();
        if (!groups_.empty()) [[unlikely]] {
            retire(edge);
        }
        return parcel;
    }

  private:
    struct alignas(64) Group {
        std::atomic<std::uint32_t> full_or_to_come{0};
    };
    void retire(std::uint32_t edge);
    std::size_t size_of(std::size_t group) const;

    static constexpr std::size_t group_edges = 2048; // 64 KiB

    Edge* edges_ = nullptr;
    std::size_t count_ = 0;
    std::span<Group> groups_; // of a streamed program
};

} // namespace faultline::trace
