// What the procfs layer reads, as one table: a new figure is one new row in metrics.cpp.
#pragma once

#include "kernel-probes/probe.hpp"

#include <span>

namespace faultline::probes::procfs {

// The file a row is read from, and so how its `key` is understood.
enum class Source {
    stat,         // /proc/PID/stat: key is the field's number; a second number is added (reaped children)
    status,       // /proc/PID/status
    smaps_rollup, // /proc/PID/smaps_rollup: walks the page tables, 14 ms at 1 GiB: phase ends only
    io,           // /proc/PID/io
    threads,      // /proc/PID/task/*/status, added up: live threads only
    vmstat,       // /proc/vmstat
    psi_cpu,      // /proc/pressure/cpu: key is the line
    psi_memory,
    psi_io,
};

struct Row {
    Metric metric;
    Source source;
    std::string_view key;
    std::uint64_t scale = 1; // from the file's unit to the metric's
};

std::span<const Row> rows();

// The file's path below the procfs mount, for `pid`.
std::string file_of(Source source, pid_t pid);

} // namespace faultline::probes::procfs
