#include "workloads/engine/footprint.hpp"

#include "base/error.hpp"
#include "workloads/engine/clock.hpp"
#include "workloads/engine/die.hpp"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <unistd.h>

namespace faultline::engine {

Footprint::~Footprint() {
    if (statm_ >= 0)
        close(statm_);
}

void Footprint::prepare(Arena& arena, std::size_t samples) {
    samples_ = arena.array<FootprintSample>(samples);
    statm_ = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (statm_ < 0)
        die(static_cast<int>(Exit::os), "cannot open /proc/self/statm: %s", strerrordesc_np(errno));
}

void Footprint::begin() {
    before_bytes_ = resident_bytes();
    count_ = 0;
}

void Footprint::sample(std::uint64_t live_bytes) {
    if (count_ == samples_.size())
        return;
    const std::uint64_t now_bytes = resident_bytes();
    samples_[count_++] = {monotonic_ns(), live_bytes,
                          now_bytes > before_bytes_ ? now_bytes - before_bytes_ : 0};
}

// The second number, in pages.
std::uint64_t Footprint::resident_bytes() const {
    char buffer[128];
    const ssize_t read = pread(statm_, buffer, sizeof buffer, 0);
    const std::string_view text(buffer, read > 0 ? static_cast<std::size_t>(read) : 0);
    const std::size_t space = text.find(' ');
    std::uint64_t pages = 0;
    if (space != std::string_view::npos)
        std::from_chars(text.data() + space + 1, text.data() + text.size(), pages);
    return pages * static_cast<std::uint64_t>(getpagesize());
}

} // namespace faultline::engine
