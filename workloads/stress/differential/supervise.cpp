#include "workloads/stress/differential/differential.hpp"
#include "workloads/stress/ordeal/watch_over.hpp"
#include "workloads/stress/random/plan_file.hpp"
#include "workloads/stress/voice.hpp"

namespace faultline::stress {

void supervise_differential(const OrdealOptions& options) {
    if (options.trace.empty()) {
        watch_over("work-differential", options);
        return;
    }
    const Result<KeptPlan> kept = read_trace(options.trace);
    if (!kept) {
        skip("%s", kept.error().line().c_str());
    }
    const Result<Fd> file = make_plan_file(*kept);
    if (!file) {
        skip("%s", file.error().line().c_str());
    }
    watch_over("work-differential-trace", options, file->get());
}

} // namespace faultline::stress
