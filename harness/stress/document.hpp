// The stress document: what ran, what came of it, and on which host. README.md of this folder gives the meaning of each
// field, reports/schema/faultline-stress-1.schema.json its form.
#pragma once

#include "harness/stress/campaign.hpp"

#include <nlohmann/json.hpp>

namespace faultline::stress {

using Json = nlohmann::ordered_json;

inline constexpr const char* schema_name = "faultline-stress/1";

// What the command knows beside the plan: as in the result document.
struct Surroundings {
    Json tool;
    Json host;
    Json allocators; // the plan's, described
    Json environment;
};

Json document_json(const Surroundings& around, const Plan& plan, const Campaign& campaign);

// Counts of one allocator's results.
struct Counts {
    unsigned ok = 0;
    unsigned broken = 0;
    unsigned fresh = 0; // of those that are broken: known of no named version
    unsigned information = 0;
    unsigned skipped = 0;
};
Counts count(const Campaign& campaign, std::size_t allocator);

} // namespace faultline::stress
