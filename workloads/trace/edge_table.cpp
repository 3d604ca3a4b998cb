#include "workloads/trace/edge_table.hpp"

#include "base/error.hpp"
#include "workloads/engine/die.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/mman.h>

namespace faultline::trace {

EdgeTable::~EdgeTable() {
    if (!groups_.empty()) {
        ::munmap(edges_, count_ * sizeof(Edge));
    }
}

void EdgeTable::prepare(std::size_t count, bool streamed, engine::Arena& arena) {
    count_ = count;
    if (!streamed || count == 0) {
        edges_ = arena.array<Edge>(count).data();
        return;
    }
    void* mapping = ::mmap(nullptr, count * sizeof(Edge), PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping == MAP_FAILED) {
        engine::die(static_cast<int>(Exit::os),
                    "cannot map the table of %zu blocks that change their thread: %s", count,
                    strerrordesc_np(errno));
    }
    edges_ = static_cast<Edge*>(mapping); // all bits 0: empty
    groups_ = arena.array<Group>((count + group_edges - 1) / group_edges);
    for (std::size_t i = 0; i < groups_.size(); ++i) {
        groups_[i].full_or_to_come = static_cast<std::uint32_t>(size_of(i));
    }
}

std::size_t EdgeTable::size_of(std::size_t group) const {
    return std::min(group_edges, count_ - group * group_edges);
}

void EdgeTable::retire(std::uint32_t edge) {
    const std::size_t index = edge / group_edges;
    Group& group = groups_[index];
    if (group.full_or_to_come.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        // For another round, before which all threads meet. Who gave the last of them may still wake its taker here: the
        // futex is the address, whatever stands there.
        group.full_or_to_come = static_cast<std::uint32_t>(size_of(index));
        ::madvise(edges_ + index * group_edges, size_of(index) * sizeof(Edge), MADV_DONTNEED);
    }
}

} // namespace faultline::trace
