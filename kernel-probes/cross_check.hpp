// Figures of one trial that two sources know: where they disagree, neither is to be trusted.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace faultline::probes {

struct CrossCheck {
    std::string metrics; // "faults_minor+faults_major"
    std::string against; // "getrusage: minor_faults+major_faults"
    std::uint64_t value;
    std::uint64_t other;
    std::string relation; // "equal", or "at most": the other counts the whole host
    double tolerance;     // of the other, as a share; beside it, `slack` is allowed
    std::uint64_t slack;
    bool trusted;
};

// `figure` gives a trial's sum of a metric over the phases warmup to idle, absent when it was not measured; the
// worker's own getrusage figures are asked for as "rusage_minor_faults" and "rusage_major_faults", the
// pressure box's as "box_faults" and "box_major_faults". Pairs of which one is absent are left out.
using Figure = std::function<std::optional<std::uint64_t>(std::string_view name)>;
std::vector<CrossCheck> cross_check(const Figure& figure);

} // namespace faultline::probes
