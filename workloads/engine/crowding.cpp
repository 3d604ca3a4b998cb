#include "workloads/engine/crowding.hpp"

#include "base/fd.hpp"

#include <algorithm>
#include <charconv>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

namespace faultline::engine {
namespace {

unsigned processors_of_this_process() {
    cpu_set_t set;
    return ::sched_getaffinity(0, sizeof set, &set) == 0 ? static_cast<unsigned>(CPU_COUNT(&set)) : 1;
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
    const Fd file(::open("/proc/loadavg", O_RDONLY | O_CLOEXEC));
    char text[128];
    const ssize_t length = file ? ::read(file.get(), text, sizeof text) : 0;
    return length > 0 ? crowding_of({text, static_cast<std::size_t>(length)}, processors) : 1;
}

} // namespace faultline::engine
