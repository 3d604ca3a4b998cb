// The patterns aimed at the kernel, one file each.
#pragma once

#include "workloads/engine/workload.hpp"

namespace faultline::kernel {

extern const engine::WorkloadSpec anon_touch_spec;
extern const engine::WorkloadSpec stack_spec;
extern const engine::WorkloadSpec grow_spec;
extern const engine::WorkloadSpec give_back_spec;
extern const engine::WorkloadSpec fork_cow_spec;
extern const engine::WorkloadSpec file_map_spec;
extern const engine::WorkloadSpec kmalloc_spec;
extern const engine::WorkloadSpec vmalloc_spec;
extern const engine::WorkloadSpec alloc_pages_spec;

// These two have an allocator in them.
extern const engine::WorkloadSpec cache_pressure_spec;
extern const engine::WorkloadSpec over_limit_spec;

} // namespace faultline::kernel
