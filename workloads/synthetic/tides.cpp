#include "workloads/synthetic/tides.hpp"

#include <algorithm>
#include <cstdio>

namespace faultline::synthetic {

namespace {

using engine::FootprintSample;

std::string line(const char* when, const FootprintSample& sample) {
    constexpr double mebibyte = 1 << 20;
    const auto resident = static_cast<double>(sample.resident_bytes);
    const auto live = static_cast<double>(sample.live_bytes);
    char text[160];
    std::snprintf(text, sizeof text, "%s: %.1f MiB resident for %.1f MiB live (%.2f times)", when,
                  resident / mebibyte, live / mebibyte, live > 0 ? resident / live : 0.0);
    return text;
}

} // namespace

std::vector<std::string> Tides::notes() const {
    const std::span<const FootprintSample> all = footprint();
    if (all.empty())
        return {};
    const auto fuller = [](const FootprintSample& a, const FootprintSample& b) {
        return a.live_bytes < b.live_bytes;
    };
    return {line("fullest", *std::ranges::max_element(all, fuller)), line("at the end", all.back())};
}

} // namespace faultline::synthetic
