#include "harness/monitor/lines.hpp"

#include "harness/monitor/figure_text.hpp"

#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace faultline::monitor {
namespace {

nlohmann::json rounded(double number) {
    return std::round(number * 1000) / 1000;
}

struct Column {
    const char* group;
    const char* name;
    std::size_t width;
    const char* metric;
    Shown show;
};

std::string percent(const Frame& frame, std::string_view metric) {
    const auto rate = frame.rate(metric);
    return rate ? fmt::format("{:.0f}", *rate / 1e7) : "-";
}

constexpr Column batch_columns[] = {
    {"memory", "rss", 6, "rss_bytes", bytes},
    {"memory", "anon", 6, "rss_anon_bytes", bytes},
    {"memory", "file", 6, "rss_file_bytes", bytes},
    {"memory", "swap", 6, "swap_bytes", bytes},
    {"faults /s", "anon", 6, "faults_anonymous", per_second},
    {"faults /s", "file", 6, "faults_file", per_second},
    {"faults /s", "cow", 6, "faults_cow", per_second},
    {"faults /s", "all", 6, "minor_faults", per_second},
    {"faults /s", "major", 6, "major_faults", per_second},
    {"kernel's allocators /s", "pages", 6, "alloc_pages_pages", per_second},
    {"kernel's allocators /s", "kmall", 6, "kmalloc_calls", per_second},
    {"kernel's allocators /s", "slab", 6, "slab_alloc_calls", per_second},
    {"swap /s", "si", 6, "swap_in_pages", per_second},
    {"swap /s", "so", 6, "swap_out_pages", per_second},
    {"reclaim", "freed", 6, "reclaim_freed_pages", per_second},
    {"cpu %", "us", 4, "user_ns", percent},
    {"cpu %", "sy", 4, "system_ns", percent},
    {"psi %", "mem", 5, "host_memory_pressure_some_ns", percent},
};

} // namespace

std::vector<std::string> batch_heading() {
    std::string groups;
    std::string names;
    for (std::size_t i = 0; i < std::size(batch_columns);) {
        std::size_t width = 0;
        const std::string_view group = batch_columns[i].group;
        for (; i < std::size(batch_columns) && batch_columns[i].group == group; ++i) {
            width += batch_columns[i].width + 1;
            names += fmt::format("{:>{}} ", batch_columns[i].name, batch_columns[i].width);
        }
        groups += fmt::format("{:-^{}} ", group.substr(0, width - 1), width - 1);
    }
    groups.pop_back();
    names.pop_back();
    return {groups, names};
}

std::string batch_line(const Frame& frame) {
    std::string line;
    for (const Column& column : batch_columns) {
        line += fmt::format("{:>{}} ", column.show(frame, column.metric), column.width);
    }
    line.pop_back();
    return line;
}

std::string json_line(const Frame& frame, const std::string& timestamp) {
    nlohmann::json out = {{"time", timestamp},
                          {"interval_s", rounded(frame.seconds())},
                          {"processes", frame.now().processes},
                          {"threads", frame.now().threads},
                          {"values", nlohmann::json::object()},
                          {"rates_per_s", nlohmann::json::object()},
                          {"tables_per_s", nlohmann::json::object()}};
    for (const auto& [name, figure] : frame.now().figures) {
        if (figure.kind == probes::Kind::counter) {
            const auto rate = frame.rate(name);
            out["rates_per_s"][name] = rate ? rounded(*rate) : nlohmann::json(nullptr);
        } else {
            out["values"][name] = figure.value ? nlohmann::json(*figure.value) : nlohmann::json(nullptr);
        }
    }
    for (const auto& [name, rows] : frame.now().tables) {
        auto& table = out["tables_per_s"][name] = nlohmann::json::object();
        for (const TableRate& row : frame.top(name, rows.size())) {
            for (const double number : row.per_second) {
                table[row.key].push_back(rounded(number));
            }
        }
    }
    if (const auto& own = frame.now().slabuddy) {
        auto& slabuddy = out["slabuddy"] = {{"pid", own->pid},
                                            {"age_s", rounded(own->age_s)},
                                            {"page_bytes", own->page_bytes},
                                            {"caches", nlohmann::json::object()},
                                            {"free_blocks", own->free}};
        for (const SlabuddyFigures::Cache& cache : own->caches) {
            slabuddy["caches"][cache.name] = {{"in_use", cache.in_use},
                                              {"objects", cache.objects},
                                              {"object_bytes", cache.object_bytes},
                                              {"slab_bytes", cache.slab_bytes}};
        }
    }
    return out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

} // namespace faultline::monitor
