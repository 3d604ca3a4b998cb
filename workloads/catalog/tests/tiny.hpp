// Every catalogued workload, so small that all of them run in a moment.
#pragma once

#include "workloads/catalog/catalog.hpp"

#include <gtest/gtest.h>

namespace faultline::tests {

// nullopt for a workload that needs a file. A workload without a line here runs with its defaults.
inline std::optional<engine::Arguments> tiny_arguments(const engine::WorkloadSpec& spec, std::uint64_t seed) {
    using Given = std::map<std::string, std::string, std::less<>>;
    static const std::map<std::string_view, Given> small = {
        {"pair", {{"operations", "500"}}},
        {"batch", {{"operations", "500"}, {"batch", "50"}, {"order", "random"}}},
        {"larsonN", {{"slots", "50"}, {"operations", "500"}, {"generation", "200"}}},
        {"larson-sizedN", {{"slots", "50"}, {"operations", "500"}, {"generation", "200"}}},
        {"mstressN", {{"scale", "2"}, {"rounds", "3"}, {"transfer", "20"}}},
        {"rptestN", {{"slots", "50"}, {"batch", "20"}, {"loops", "20"}, {"rounds", "2"}}},
        {"sh6benchN", {{"buffer", "600"}, {"passes", "6"}, {"max_size", "30"}}},
        {"sh8benchN", {{"buffer", "3000"}, {"passes", "6"}, {"foreign", "400"}}},
        {"xmalloc-testN", {{"batch", "64"}, {"operations", "20"}, {"depth", "3"}}},
        {"glibc-simple", {{"operations", "4800"}}},
        {"glibc-threadN", {{"slots", "50"}, {"operations", "500"}}},
        {"cache-scratchN", {{"operations", "20"}, {"writes", "50"}}},
        {"cache-thrashN", {{"operations", "20"}, {"writes", "50"}}},
        {"mleakN", {{"slots", "20"}, {"operations", "30"}}},
        {"alloc-testN", {{"slots", "300"}, {"operations", "3000"}}},
        {"ringN", {{"operations", "900"}, {"depth", "7"}}},
        {"producer-consumerN", {{"operations", "900"}, {"depth", "7"}}},
        {"thread-churnN", {{"operations", "4"}, {"blocks", "40"}}},
        {"startup", {{"operations", "600"}}},
        {"heap-shape", {{"live", "256K"}, {"epochs", "9"}, {"survive", "3"}}},
        {"drain-idle", {{"live", "256K"}, {"spikes", "3"}, {"pause_ms", "1"}}},
        {"empiricalN",
         {{"profile", FAULTLINE_PROFILES "/small-service.csv"}, {"heap", "300K"}, {"operations", "900"}}},
        {"cache-pressure", {{"live", "256K"}, {"file", "128K"}, {"operations", "300"}, {"read_every", "20"}}},
        {"over-limit", {{"live", "256K"}, {"operations", "2000"}, {"replace_every", "2"}}},
        {"anon-touchN", {{"size", "256K"}, {"passes", "2"}}},
        {"stack", {{"size", "256K"}, {"passes", "2"}}},
        {"grow", {{"size", "512K"}, {"passes", "2"}, {"how", "mremap"}}},
        {"give-back", {{"size", "256K"}, {"passes", "2"}}},
        {"fork-cow", {{"size", "256K"}, {"passes", "2"}, {"written", "50"}}},
        {"file-map", {{"size", "256K"}, {"passes", "2"}, {"how", "write"}}},
        {"kmallocN", {{"operations", "20"}}},
        {"vmalloc", {{"operations", "5"}}},
        {"alloc-pages", {{"operations", "20"}}},
        {"malloc-large", {{"slots", "3"}, {"operations", "5"}, {"min_size", "1M"}, {"max_size", "2M"}}},
    };
    const auto found = small.find(spec.name);
    Given given = found == small.end() ? Given() : found->second;
    for (const engine::Parameter& parameter : spec.parameters)
        if (parameter.kind == engine::Parameter::Kind::path && parameter.fallback.empty() &&
            !given.contains(parameter.name))
            return std::nullopt;
    given.emplace("latency_every", "5");
    const Result<engine::Arguments> arguments = resolve(spec, spec.threaded ? 3 : 1, seed, given, "tiny");
    EXPECT_TRUE(arguments) << arguments.error().line();
    return arguments ? std::optional(*arguments) : std::nullopt;
}

} // namespace faultline::tests
