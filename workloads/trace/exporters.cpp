#include "workloads/trace/exporters.hpp"

namespace faultline::trace {
namespace {

constexpr Exporter table[] = {
    {"fltrace", "faultline, with everything that the source holds", create_native},
    {"compact", "faultline, without times and addresses: far smaller", create_compact},
    {"memory-replay", "Android's memory_replay", create_memory_replay},
    {"malloclab", "drivers of CMU's malloc lab", create_malloclab},
    {"mtrace", "glibc's mtrace command", create_mtrace},
    {"heaptrack", "heaptrack_interpret (a raw file)", create_heaptrack},
    {"glibc-workload", "trace_run of glibc's trace utilities", create_glibc_workload},
};

} // namespace

std::span<const Exporter> exporters() {
    return table;
}

const Exporter* find_exporter(std::string_view name) {
    for (const Exporter& exporter : table) {
        if (exporter.name == name) {
            return &exporter;
        }
    }
    return nullptr;
}

} // namespace faultline::trace
