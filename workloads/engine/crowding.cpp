#include "workloads/engine/crowding.hpp"

#include "base/fd.hpp"

#include <algorithm>
#include <charconv>
#include <fcntl.h>
#include <sched.h>
#include <span>
#include <unistd.h>

namespace faultline::engine {
namespace {

unsigned processors_of_this_process() {
    cpu_set_t set;
    return ::sched_getaffinity(0, sizeof set, &set) == 0 ? static_cast<unsigned>(CPU_COUNT(&set)) : 1;
}

// What a file of /proc says, as far as `room` reaches; empty when it cannot be read.
std::string_view first_of(const char* path, std::span<char> room) {
    const Fd file(::open(path, O_RDONLY | O_CLOEXEC));
    const ssize_t length = file ? ::read(file.get(), room.data(), room.size()) : 0;
    return {room.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0))};
}

} // namespace

double crowding_of(std::string_view loadavg, unsigned processors) {
    const std::size_t slash = loadavg.find('/');
    const std::size_t space = slash == std::string_view::npos ? slash : loadavg.rfind(' ', slash);
    if (space == std::string_view::npos) {
        return 1;
    }
    unsigned runnable = 0;
    std::from_chars(loadavg.data() + space + 1, loadavg.data() + slash, runnable);
    return std::clamp(static_cast<double>(runnable) / std::max(processors, 1U), 1.0, most_crowding);
}

double crowding() {
    static const unsigned processors = processors_of_this_process();
    char text[128];
    const std::string_view loadavg = first_of("/proc/loadavg", text);
    return loadavg.empty() ? 1 : crowding_of(loadavg, processors);
}

std::uint64_t waited_ns_of(std::string_view schedstat) {
    const std::size_t space = schedstat.find(' ');
    std::uint64_t waited = 0;
    if (space != std::string_view::npos) {
        std::from_chars(schedstat.data() + space + 1, schedstat.data() + schedstat.size(), waited);
    }
    return waited;
}

std::uint64_t waited_ns() {
    char text[128];
    return waited_ns_of(first_of("/proc/thread-self/schedstat", text));
}

} // namespace faultline::engine
