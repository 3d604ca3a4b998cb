// The synthetic workloads, one file each.
#pragma once

#include "workloads/engine/workload.hpp"

namespace faultline::synthetic {

extern const engine::WorkloadSpec pair_spec;
extern const engine::WorkloadSpec larson_spec;
extern const engine::WorkloadSpec larson_sized_spec;

} // namespace faultline::synthetic
