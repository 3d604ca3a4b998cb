// The layers' makers, for catalog.cpp alone. Each takes the groups wanted and makes a probe with the metrics
// of these.
#pragma once

#include "kernel-probes/probe.hpp"

#include <filesystem>
#include <functional>

namespace faultline::probes {

using Wanted = std::function<bool(std::string_view group)>;

// `proc` is where procfs is mounted; another directory serves tests.
std::unique_ptr<Probe> make_procfs(const Wanted& wanted, std::filesystem::path proc = "/proc");
std::unique_ptr<Probe> make_perf_sw(const Wanted& wanted);
std::unique_ptr<Probe> make_bpf_tp(const Wanted& wanted);

} // namespace faultline::probes
