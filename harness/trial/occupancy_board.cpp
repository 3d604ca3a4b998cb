#include "harness/trial/occupancy_board.hpp"

#include "workloads/engine/occupancy.hpp"

#include <cerrno>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

namespace faultline::trial {

using engine::OccupancyBoard;

Result<SharedBoard> SharedBoard::make() {
    Fd fd(::memfd_create("faultline-occupancy", MFD_CLOEXEC));
    if (!fd || ::ftruncate(fd.get(), sizeof(OccupancyBoard)) != 0) {
        return fail_errno(Exit::os, "occupancy", "cannot make a memory file", errno);
    }
    void* const mapped =
        ::mmap(nullptr, sizeof(OccupancyBoard), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    if (mapped == MAP_FAILED) {
        return fail_errno(Exit::os, "occupancy", "cannot map the memory file", errno);
    }
    return SharedBoard(std::move(fd), mapped);
}

SharedBoard::SharedBoard(SharedBoard&& other) noexcept
    : fd_(std::move(other.fd_)), mapped_(std::exchange(other.mapped_, nullptr)) {}

SharedBoard::~SharedBoard() {
    if (mapped_ != nullptr) {
        ::munmap(mapped_, sizeof(OccupancyBoard));
    }
}

probes::Gauges SharedBoard::gauges() const {
    return {.names = {"requested_bytes", "usable_bytes", "rounding_bytes", "occupied_bytes",
                      "occupancy_tables_bytes"},
            .read =
                [](const void* from, std::uint64_t* values) {
                    const engine::OccupancySums sums = static_cast<const OccupancyBoard*>(from)->sums();
                    std::uint64_t* value = values;
                    for (const std::uint64_t sum :
                         {sums.requested_bytes, sums.usable_bytes, sums.rounding_bytes, sums.pages_bytes,
                          sums.tables_bytes}) {
                        // Below 0: a free was seen before its malloc, of hardly any live block then.
                        *value++ = static_cast<std::int64_t>(sum) < 0 ? 0 : sum;
                    }
                },
            .from = mapped_};
}

} // namespace faultline::trial
