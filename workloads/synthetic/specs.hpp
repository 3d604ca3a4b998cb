// The synthetic workloads, one file each.
#pragma once

#include "workloads/engine/workload.hpp"

namespace faultline::synthetic {

extern const engine::WorkloadSpec pair_spec;
extern const engine::WorkloadSpec batch_spec;
extern const engine::WorkloadSpec larson_spec;
extern const engine::WorkloadSpec larson_sized_spec;
extern const engine::WorkloadSpec mstress_spec;
extern const engine::WorkloadSpec mleak_spec;
extern const engine::WorkloadSpec rptest_spec;
extern const engine::WorkloadSpec alloc_test_spec;
extern const engine::WorkloadSpec sh6bench_spec;
extern const engine::WorkloadSpec sh8bench_spec;
extern const engine::WorkloadSpec xmalloc_test_spec;
extern const engine::WorkloadSpec glibc_simple_spec;
extern const engine::WorkloadSpec glibc_thread_spec;
extern const engine::WorkloadSpec cache_scratch_spec;
extern const engine::WorkloadSpec cache_thrash_spec;
extern const engine::WorkloadSpec malloc_large_spec;

} // namespace faultline::synthetic
