// What a supervisor or a worker is told on its command line.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace faultline::stress {

struct OrdealOptions {
    std::uint64_t seed = 1;
    unsigned seconds = 1;
    unsigned repeat = 1;
    std::uint64_t episode = 0;
    bool in_free_order = false;
    int report_fd = 1;
    std::string preload;
    std::string artifacts;
    std::string trace;
    std::string variant; // which of several ways to do the role

    // What a worker needs of it. Nothing that differs between a run and its repetition: a worker's own start-up uses
    // the heap under test, and a failure that hangs on it would not come again.
    OrdealOptions for_worker() const;

    // The other way round, for handing them on.
    std::vector<std::string> arguments(const std::string& role) const;
};

} // namespace faultline::stress
