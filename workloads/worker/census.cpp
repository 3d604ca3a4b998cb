#include "workloads/worker/census.hpp"

#include "workloads/engine/census.hpp"

#include <nlohmann/json.hpp>

namespace faultline::worker {

namespace {

using Json = nlohmann::ordered_json;
using engine::Census;

constexpr std::uint64_t enough_allocations = 4'000'000;

Json to_json(const Census::Figures& figures) {
    Json calls = Json::object();
    for (std::size_t operation = 0; operation < engine::operation_count; ++operation)
        if (figures.calls[operation] > 0)
            calls[engine::operation_names[operation]] = figures.calls[operation];
    std::uint64_t allocations = 0;
    Json sizes = Json::array();
    Json lifetimes = Json::array();
    for (std::size_t bucket = 0; bucket < engine::census_buckets; ++bucket) {
        allocations += figures.blocks_by_size[bucket];
        if (figures.blocks_by_size[bucket] > 0)
            sizes.push_back(
                {std::uint64_t{1} << bucket, figures.blocks_by_size[bucket], figures.bytes_by_size[bucket]});
        if (figures.blocks_by_lifetime[bucket] > 0)
            lifetimes.push_back({std::uint64_t{1} << bucket, figures.blocks_by_lifetime[bucket]});
    }
    return {{"allocations", allocations},
            {"calls", std::move(calls)},
            {"sizes", std::move(sizes)},
            {"lifetimes", std::move(lifetimes)},
            {"to_the_end", figures.to_the_end},
            {"frees", figures.frees},
            {"frees_by_others", figures.frees_by_others},
            {"peak_live_blocks", figures.peak_live_blocks},
            {"peak_live_bytes", figures.peak_live_bytes},
            {"cut_short", figures.cut_short}};
}

} // namespace

Result<std::string> take_census(const engine::WorkloadSpec& spec, const engine::Arguments& arguments) {
    engine::Arguments unsampled = arguments;
    unsampled.values.insert_or_assign("latency_every", std::string(1, '0'));
    Census census(enough_allocations);
    const std::unique_ptr<engine::Workload> workload = spec.make(unsampled);
    if (const Result<void> prepared = workload->prepare(); !prepared)
        return tl::unexpected(prepared.error());
    workload->warmup();
    census.begin_measure();
    workload->measure();
    census.end_measure();
    workload->drain();
    std::string text = to_json(census.figures()).dump();
    text += '\n';
    return text;
}

} // namespace faultline::worker
