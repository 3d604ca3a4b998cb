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
extern const engine::WorkloadSpec ring_spec;
extern const engine::WorkloadSpec producer_consumer_spec;
extern const engine::WorkloadSpec thread_churn_spec;
extern const engine::WorkloadSpec startup_spec;
extern const engine::WorkloadSpec heap_shape_spec;
extern const engine::WorkloadSpec drain_idle_spec;
extern const engine::WorkloadSpec empirical_spec;

} // namespace faultline::synthetic
