// The machine a run happens on: facts for the result document, the fingerprint that decides whether two
// results may be compared, and the doctor's findings.
#pragma once

#include "workloads/engine/workload.hpp"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace faultline::host {

struct DoctorFinding {
    std::string id;     // "governor", "thp", "allocator.jemalloc"
    std::string status; // "ok", "warn", "fail"
    std::string what;
    std::string remedy; // empty when ok
};

// What makes results worse on this host, or probes blind, each with its remedy.
std::vector<DoctorFinding> doctor();

// `host` of the result document (harness/results/README.md), with the fingerprint over its `deciding` part.
nlohmann::json facts();

// What this host has of what some workloads need.
engine::Means means();

// MemAvailable of /proc/meminfo, or what the memory cgroup leaves where that is less.
std::uint64_t available_memory_bytes();

} // namespace faultline::host
