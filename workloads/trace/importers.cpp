#include "workloads/trace/importers.hpp"

#include <cstring>

namespace faultline::trace {
namespace {

constexpr Importer table[] = {
    {"android memory_replay", is_memory_replay, make_memory_replay},
    {"malloclab", is_malloclab, make_malloclab},
    {"glibc mtrace", is_mtrace, make_mtrace},
    {"heaptrack", is_heaptrack, make_heaptrack},
    {"faultline model", is_model, make_model_source},
    {"glibc workload", is_glibc_workload, make_glibc_workload},
};

constexpr std::size_t head_bytes = 4096; // what a format may be known by

} // namespace

std::span<const Importer> importers() {
    return table;
}

Result<std::unique_ptr<EventSource>> open_trace(const std::filesystem::path& path,
                                                const OpenOptions& options) {
    Result<std::unique_ptr<Input>> input = open_input(path);
    if (!input) {
        return tl::unexpected(input.error());
    }
    LineReader lines(std::move(*input));
    const Result<std::string_view> head = lines.peek(head_bytes);
    if (!head) {
        return tl::unexpected(head.error());
    }
    const std::string name = lines.input().name();
    if (head->empty()) {
        return fail(Exit::data, name, "is empty", "record or fetch the trace again");
    }
    if (is_native(*head)) {
        if (name != path.string()) {
            return fail(Exit::data, name, "a native trace inside an archive", "unpack it first");
        }
        return open_native(path, options);
    }
    for (const Importer& importer : table) {
        if (importer.matches(*head)) {
            return importer.make(std::move(lines));
        }
    }
    std::string known = "fltrace";
    for (const Importer& importer : table) {
        known += ", " + std::string(importer.format);
    }
    return fail(Exit::data, name + ":1", "not a trace in any known format", "known are: " + known);
}

} // namespace faultline::trace
