#include "workloads/stress/random/resident.hpp"

#include "base/fd.hpp"

#include <cstdio>
#include <fcntl.h>

namespace faultline::stress {

std::uint64_t own_resident_bytes() {
    const Fd file(::open("/proc/self/statm", O_RDONLY | O_CLOEXEC));
    char text[128] = {};
    unsigned long size = 0;
    unsigned long resident = 0;
    if (!file || ::read(file.get(), text, sizeof text - 1) <= 0 ||
        std::sscanf(text, "%lu %lu", &size, &resident) != 2) {
        return 0;
    }
    return resident * static_cast<std::uint64_t>(::getpagesize());
}

} // namespace faultline::stress
