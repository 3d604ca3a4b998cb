// The harness's end of workloads/engine/occupancy.hpp: a board that a worker writes to, and what a sampler reads off it.
#pragma once

#include "base/error.hpp"
#include "base/fd.hpp"
#include "kernel-probes/sampler.hpp"

namespace faultline::trial {

class SharedBoard {
  public:
    static Result<SharedBoard> make(); // fails with os
    SharedBoard(SharedBoard&&) noexcept;
    SharedBoard& operator=(SharedBoard&&) = delete;
    ~SharedBoard();

    int fd() const { return fd_.get(); }
    // Series requested_bytes, usable_bytes, rounding_bytes, occupied_bytes and occupancy_tables_bytes.
    probes::Gauges gauges() const;

  private:
    SharedBoard(Fd fd, void* mapped) : fd_(std::move(fd)), mapped_(mapped) {}
    Fd fd_;
    void* mapped_;
};

} // namespace faultline::trial
