// What a worker, or whoever stands in its place, writes as its report: judged, never trusted.
#include "harness/trial/validity.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace faultline;
    trial::Observation observation;
    observation.exit.status = 0;
    observation.library_mapped = true;
    observation.measure_wall_ns = trial::minimum_measure_ns;
    const auto* text = reinterpret_cast<const char*>(data);
    results::Json report = results::Json::parse(text, text + size, nullptr, /*allow_exceptions=*/false);
    if (report.is_object()) { // as the runner asks, too
        observation.report = std::move(report);
    }
    registry::Allocator allocator;
    allocator.name = "jemalloc";
    allocator.path = "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2";
    (void)trial::why_invalid(observation, allocator);
    return 0;
}
