#include "workloads/catalog/catalog.hpp"

#include "workloads/engine/nearest.hpp"
#include "workloads/kernel/specs.hpp"
#include "workloads/synthetic/specs.hpp"
#include "workloads/trace/replay.hpp"

#include <charconv>
#include <vector>

namespace faultline {

namespace {

constexpr const engine::WorkloadSpec* all[] = {
    &synthetic::pair_spec,
    &synthetic::batch_spec,
    &synthetic::larson_spec,
    &synthetic::larson_sized_spec,
    &synthetic::mstress_spec,
    &synthetic::mleak_spec,
    &synthetic::rptest_spec,
    &synthetic::sh6bench_spec,
    &synthetic::sh8bench_spec,
    &synthetic::alloc_test_spec,
    &synthetic::xmalloc_test_spec,
    &synthetic::glibc_simple_spec,
    &synthetic::glibc_thread_spec,
    &synthetic::cache_scratch_spec,
    &synthetic::cache_thrash_spec,
    &synthetic::malloc_large_spec,
    &synthetic::ring_spec,
    &synthetic::producer_consumer_spec,
    &synthetic::thread_churn_spec,
    &synthetic::startup_spec,
    &synthetic::heap_shape_spec,
    &synthetic::drain_idle_spec,
    &synthetic::empirical_spec,
    &trace::replay_spec,
    &kernel::cache_pressure_spec,
    &kernel::over_limit_spec,
    &kernel::anon_touch_spec,
    &kernel::stack_spec,
    &kernel::grow_spec,
    &kernel::give_back_spec,
    &kernel::fork_cow_spec,
    &kernel::file_map_spec,
    &kernel::kmalloc_spec,
    &kernel::vmalloc_spec,
    &kernel::alloc_pages_spec,
};

std::string quoted(std::string_view text) {
    return "\"" + std::string(text) + "\"";
}

Result<unsigned> thread_count(std::string_view digits, std::string_view text, std::string_view where) {
    unsigned threads = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), threads);
    if (error != std::errc{} || end != digits.data() + digits.size() || threads < 1 ||
        threads > engine::max_threads)
        return fail(Exit::usage, std::string(where),
                    quoted(digits) + " is no thread count in workload " + quoted(text),
                    "give 1 to " + std::to_string(engine::max_threads));
    return threads;
}

Result<Selection> by_name(std::string_view name, std::string_view text, std::string_view where) {
    for (const engine::WorkloadSpec* spec : all)
        if (spec->name == name)
            return Selection{spec, std::nullopt, {}};
    std::vector<std::string_view> known;
    for (const engine::WorkloadSpec* spec : all) {
        known.push_back(spec->name);
        const std::string_view stem = spec->name.substr(0, spec->name.size() - 1);
        if (!spec->threaded || !spec->name.ends_with('N') || !name.starts_with(stem))
            continue;
        const std::string_view digits = name.substr(stem.size());
        if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos)
            continue;
        const Result<unsigned> threads = thread_count(digits, text, where);
        if (!threads)
            return tl::unexpected(threads.error());
        return Selection{spec, *threads, {}};
    }
    const std::string_view meant = engine::nearest(name, known);
    return fail(Exit::usage, std::string(where), "unknown workload " + quoted(name),
                meant.empty() ? "see `faultline list workloads`"
                              : "did you mean " + quoted(meant) + "? See `faultline list workloads`");
}

} // namespace

std::span<const engine::WorkloadSpec* const> catalog() {
    return all;
}

Result<Selection> select_workload(std::string_view text, std::string_view where) {
    const std::size_t colon = text.find(':');
    Result<Selection> selection = by_name(text.substr(0, colon), text, where);
    if (!selection || colon == std::string_view::npos)
        return selection;
    return with_parameters(*std::move(selection), text.substr(colon + 1), text, where);
}

Result<Selection> with_parameters(Selection selection, std::string_view list, std::string_view text,
                                  std::string_view where) {
    for (std::string_view rest = list; !rest.empty();) {
        const std::string_view item = rest.substr(0, rest.find(','));
        rest.remove_prefix(item.size() < rest.size() ? item.size() + 1 : item.size());
        const std::size_t equals = item.find('=');
        if (equals == 0 || equals == std::string_view::npos)
            return fail(Exit::usage, std::string(where),
                        quoted(item) + " in workload " + quoted(text) + " is not key=value",
                        "write NAME:key=value,key=value");
        const std::string_view key = item.substr(0, equals);
        const std::string_view value = item.substr(equals + 1);
        if (key == "threads") {
            const Result<unsigned> threads = thread_count(value, text, where);
            if (!threads)
                return tl::unexpected(threads.error());
            selection.threads = *threads;
        } else if (!selection.given.emplace(key, value).second) {
            return fail(Exit::usage, std::string(where),
                        quoted(key) + " stands twice in workload " + quoted(text), "leave one away");
        }
    }
    return selection;
}

} // namespace faultline
