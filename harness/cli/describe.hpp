// What a result document says about the run before its first trial: tool, host, doctor, plan, capabilities,
// metrics.
#pragma once

#include "harness/host/host.hpp"
#include "harness/plan/plan.hpp"
#include "harness/results/document.hpp"
#include "harness/trial/trial.hpp"

namespace faultline::cli {

results::Document describe(const plan::Plan& plan, const trial::Settings& settings,
                           std::span<const std::unique_ptr<probes::Probe>> probes,
                           const std::vector<host::DoctorFinding>& findings);

results::Json describe_allocator(const registry::Allocator& allocator);
results::Json describe_tool(const std::vector<std::string>& argv);

// "ok", "degraded" or "unavailable", as documents and listings write it.
const char* status_name(probes::Status status);

} // namespace faultline::cli
