// Whether the programs count: a child does known things, and the counters must have seen them.
#pragma once

#include "kernel-probes/bpf/metrics.hpp"

namespace faultline::probes::bpf {

struct Verdict {
    std::vector<Capability> capabilities;     // one for each group wanted
    std::set<std::string, std::less<>> blind; // metrics that are absent here
};

Verdict check(const Wanted& wanted);

} // namespace faultline::probes::bpf
