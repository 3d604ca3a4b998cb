#include "harness/results/google_benchmark.hpp"

namespace faultline::results {
namespace {

const Json* find(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found == object.end() || found->is_null() ? nullptr : &*found;
}

template <typename T>
T value_or(const Json& object, const char* key, T fallback) {
    const Json* found = object.is_object() ? find(object, key) : nullptr;
    return found != nullptr ? found->get<T>() : fallback;
}

Json context_of(const Json& document) {
    const Json empty = Json::object();
    const Json* host = find(document, "host");
    const Json* deciding = host != nullptr ? find(*host, "deciding") : nullptr;
    const Json* tool = find(document, "tool");
    const Json* load = host != nullptr ? find(*host, "load_average") : nullptr;
    return {{"date", value_or<std::string>(tool != nullptr ? *tool : empty, "started", "")},
            {"host_name", value_or<std::string>(host != nullptr ? *host : empty, "hostname", "")},
            {"executable", "faultline-worker"},
            {"num_cpus", value_or<int>(deciding != nullptr ? *deciding : empty, "cpus", 0)},
            {"mhz_per_cpu", 0},
            {"cpu_scaling_enabled", false},
            {"caches", Json::array()},
            {"load_avg", load != nullptr ? *load : Json::array()},
            {"library_build_type", "release"}};
}

const Json* measure_phase(const Json& trial) {
    const Json* phases = find(trial, "phases");
    if (phases == nullptr || !phases->is_array()) {
        return nullptr;
    }
    for (const Json& phase : *phases) {
        if (value_or<std::string>(phase, "name", "") == "measure") {
            return &phase;
        }
    }
    return nullptr;
}

} // namespace

Json google_benchmark_layout(const Json& document) {
    Json benchmarks = Json::array();
    const unsigned rounds = value_or<unsigned>(document, "rounds_whole", 0);
    for (const Json& trial : document["trials"]) {
        const Json* measure = measure_phase(trial);
        if (!value_or<bool>(trial, "valid", false) || measure == nullptr) {
            continue;
        }
        const std::string name = value_or<std::string>(trial, "workload", "") + "/" +
                                 value_or<std::string>(trial, "allocator", "");
        const auto operations = value_or<std::uint64_t>(*measure, "operations", 0);
        const double per = operations > 0 ? static_cast<double>(operations) : 1.0;
        benchmarks.push_back({{"name", name},
                              {"run_name", name},
                              {"run_type", "iteration"},
                              {"repetitions", rounds},
                              {"repetition_index", value_or<unsigned>(trial, "round", 0)},
                              {"threads", value_or<unsigned>(trial, "threads", 1)},
                              {"iterations", operations},
                              {"real_time", value_or<double>(*measure, "wall_ns", 0) / per},
                              {"cpu_time", value_or<double>(*measure, "cpu_ns", 0) / per},
                              {"time_unit", "ns"},
                              {"minor_faults", value_or<double>(*measure, "minor_faults", 0)},
                              {"peak_rss_bytes", value_or<double>(trial, "peak_rss_bytes", 0)}});
    }
    return {{"context", context_of(document)}, {"benchmarks", std::move(benchmarks)}};
}

} // namespace faultline::results
