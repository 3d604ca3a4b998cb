#include "harness/plan/traces.hpp"

#include "workloads/trace/program.hpp"
#include "workloads/trace/program_cache.hpp"

namespace faultline::plan {

Result<void> compile_traces(std::span<Row> rows, const std::filesystem::path& cache) {
    for (Row& row : rows) {
        const auto given = row.given.find("trace");
        if (given == row.given.end()) {
            continue;
        }
        const auto file = trace::ensure_program(given->second, cache, row.arguments.integer("pace") != 0);
        if (!file) {
            return tl::unexpected(file.error());
        }
        const auto program = trace::Program::read_header(*file);
        if (!program) {
            return tl::unexpected(program.error());
        }
        row.threads = program->threads;
        row.for_worker["trace"] = file->string();
        engine::Arguments compiled = row.arguments;
        compiled.values["trace"] = file->string();
        row.cost = row.spec->cost(compiled);
    }
    return {};
}

} // namespace faultline::plan
