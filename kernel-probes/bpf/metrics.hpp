// What the bpf-tp layer can say, and which programs that takes.
#pragma once

#include "kernel-probes/bpf/programs.hpp"
#include "kernel-probes/layers.hpp"

namespace faultline::probes::bpf {

inline constexpr std::string_view layer = "bpf-tp";

struct Row {
    Metric metric;
    counter_id counter;
    std::string_view program; // without it the metric is absent
};
std::span<const Row> rows();

enum class TableId { fault_latency, gfp, slab_caches, slab_sites, madvise };
struct TableRow {
    Table table;
    TableId id;
    std::string_view program;
};
std::span<const TableRow> tables();

// The programs of the groups wanted, and of those that these lean on.
Wish wish_for(const Wanted& wanted);

} // namespace faultline::probes::bpf
