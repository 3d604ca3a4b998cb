#include "harness/cli/explain.hpp"

#include "base/fd.hpp"
#include "base/layout.hpp"
#include "harness/cli/table.hpp"
#include "harness/plan/targets.hpp"
#include "harness/process/environment.hpp"
#include "harness/process/observe.hpp"
#include "harness/process/process.hpp"
#include "workloads/catalog/catalog.hpp"

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

namespace faultline::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr int worker_report_fd = 3;
constexpr std::size_t bar_columns = 40;

bool needs_file(const engine::WorkloadSpec& spec, const Selection& selection) {
    return std::ranges::any_of(spec.parameters, [&](const engine::Parameter& parameter) {
        return parameter.kind == engine::Parameter::Kind::path && parameter.fallback.empty() &&
               !selection.given.contains(parameter.name);
    });
}

Result<plan::Row> row_of(const std::string& what) {
    const std::string words[] = {what};
    auto suite = plan::gather(words);
    if (!suite) {
        return tl::unexpected(suite.error());
    }
    auto rows = plan::make_rows(*suite);
    if (!rows) {
        return tl::unexpected(rows.error());
    }
    return std::move(rows->front());
}

// Waits for the process, and keeps the pipe of what it prints from filling up.
process::ExitStatus finish(process::Process& running, process::OutputTail& printed) {
    pollfd polled[2] = {{running.pid_fd(), POLLIN, 0}, {running.stderr_fd(), POLLIN, 0}};
    while ((polled[0].revents & POLLIN) == 0) {
        if (::poll(polled, 2, -1) > 0) {
            printed.collect(running.stderr_fd());
        }
        polled[1].fd = (polled[1].revents & POLLHUP) != 0 ? -1 : polled[1].fd;
    }
    return running.reap();
}

Result<Json> census_of(const plan::Row& row) {
    const Fd memory(::memfd_create("faultline-census", MFD_CLOEXEC));
    if (!memory) {
        return fail_errno(Exit::os, row.label, "cannot make a memory file", errno);
    }
    process::Command command;
    command.argv = {layout::worker().string(), "--census", "--workload=" + std::string(row.spec->name),
                    "--threads=" + std::to_string(row.arguments.threads),
                    "--report-fd=" + std::to_string(worker_report_fd)};
    for (const auto& [name, value] : row.arguments.values) {
        command.argv.push_back("--set");
        command.argv.push_back(fmt::format("{}={}", name, value));
    }
    command.environment = process::worker_environment(process::inherited(environ, {}), {}, 0);
    command.inherit = {{memory.get(), worker_report_fd}};
    auto running = process::Process::start_stopped(command);
    if (!running) {
        return tl::unexpected(running.error());
    }
    running->release();
    process::OutputTail printed;
    const process::ExitStatus exit = finish(*running, printed);
    std::string text(static_cast<std::size_t>(std::max<off_t>(::lseek(memory.get(), 0, SEEK_END), 0)), '\0');
    const bool read = ::pread(memory.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
    Json census = Json::parse(read ? text : "", nullptr, /*allow_exceptions=*/false);
    if (exit.status != 0 || !census.is_object()) {
        return fail(Exit::software, row.label, "its dry run failed: " + process::last_line(printed.text()));
    }
    return census;
}

std::string percent(double part, double whole) {
    return fmt::format("{:.1f} %", whole > 0 ? 100 * part / whole : 0.0);
}

std::string range(std::uint64_t at_most) {
    return at_most <= 2 ? fmt::format("{}", at_most) : fmt::format("{} - {}", at_most / 2 + 1, at_most);
}

// `column` of [[at_most, ...], ...].
std::vector<Share> shares(const Json& rows, std::size_t column) {
    std::vector<Share> all;
    for (const Json& row : rows) {
        all.push_back({range(row[0].get<std::uint64_t>()), row[column].get<double>()});
    }
    return all;
}

std::string picture(const plan::Row& row, const Json& census) {
    std::string calls;
    double all_calls = 0;
    for (const auto& [name, count] : census["calls"].items()) {
        all_calls += count.get<double>();
    }
    for (const auto& [name, count] : census["calls"].items()) {
        calls +=
            fmt::format("{}{} {}", calls.empty() ? "" : ", ", name, percent(count.get<double>(), all_calls));
    }
    std::string text =
        fmt::format("\ncounted in a dry run of {}, seed 1, phase measure{}\n", row.label,
                    census["cut_short"].get<bool>() ? " (as far as the first allocations go)" : "");
    text += fmt::format("  calls: {:.0f}: {}\n", all_calls, calls);
    text +=
        fmt::format("  live: at most {} in {} blocks\n", human_bytes(census["peak_live_bytes"].get<double>()),
                    census["peak_live_blocks"].get<std::uint64_t>());
    text += fmt::format("  freed by another thread than made them: {} of the blocks\n",
                        percent(census["frees_by_others"].get<double>(), census["frees"].get<double>()));
    text += "\n" + bars("size in bytes, share of the blocks", shares(census["sizes"], 1));
    text += "\n" + bars("size in bytes, share of the bytes", shares(census["sizes"], 2));
    std::vector<Share> lifetimes = shares(census["lifetimes"], 1);
    if (const auto left = census["to_the_end"].get<double>(); left > 0) {
        lifetimes.push_back({"to the end", left});
    }
    text += "\n" + bars("lifetime in allocations by all threads, share of the blocks", lifetimes);
    return text;
}

std::string range_of(const engine::Parameter& parameter) {
    switch (parameter.kind) {
    case engine::Parameter::Kind::integer:
        return fmt::format("{} to {}{}{}", parameter.min, parameter.max, parameter.unit.empty() ? "" : " ",
                           parameter.unit);
    case engine::Parameter::Kind::choice:
        return std::string(parameter.choices);
    case engine::Parameter::Kind::path:
        return "a file";
    }
    return "";
}

std::string description(const engine::WorkloadSpec& spec) {
    std::string text = fmt::format("{}\n  {}\n  from: {}\n\n", spec.name, spec.summary, spec.citation);
    Table table({"PARAMETER", "DEFAULT", "RANGE", "WHAT"}, Table::Align::left);
    for (const engine::Parameter& parameter : spec.parameters) {
        table.add({std::string(parameter.name), std::string(parameter.fallback), range_of(parameter),
                   std::string(parameter.help)});
    }
    return text + table.text();
}

Json description_json(const engine::WorkloadSpec& spec) {
    Json parameters = Json::array();
    for (const engine::Parameter& parameter : spec.parameters) {
        parameters.push_back({{"name", parameter.name},
                              {"default", parameter.fallback},
                              {"range", range_of(parameter)},
                              {"help", parameter.help}});
    }
    return {{"name", spec.name},
            {"summary", spec.summary},
            {"citation", spec.citation},
            {"kernel", spec.kernel},
            {"parameters", std::move(parameters)}};
}

} // namespace

std::string bars(const std::string& heading, const std::vector<Share>& shares) {
    double sum = 0;
    double largest = 0;
    std::size_t widest = 0;
    for (const Share& share : shares) {
        sum += share.value;
        largest = std::max(largest, share.value);
        widest = std::max(widest, share.label.size());
    }
    std::string text = "  " + heading + "\n";
    for (const Share& share : shares) {
        const auto columns =
            static_cast<std::size_t>(largest > 0 ? share.value / largest * bar_columns + 0.5 : 0);
        std::string line = fmt::format("    {:>{}}  {:>7}  {}", share.label, widest,
                                       percent(share.value, sum), std::string(columns, '#'));
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + "\n";
    }
    return text;
}

Result<std::string> explain_workload(const std::string& what, bool json) {
    const auto selection = select_workload(what, "--explain");
    if (!selection) {
        return tl::unexpected(selection.error());
    }
    const engine::WorkloadSpec& spec = *selection->spec;
    if (!spec.has_allocator_axis()) {
        return json ? description_json(spec).dump(2) + "\n"
                    : description(spec) +
                          fmt::format("\nNo allocator is in what it measures: it runs once a round.\n"
                                      "What it makes the kernel do:\n  {}\n"
                                      "Seen with: faultline run {} --rounds 1 --probes all\n",
                                      spec.kernel, what);
    }
    if (needs_file(spec, *selection)) {
        return json ? description_json(spec).dump(2) + "\n"
                    : description(spec) + "\nIts sizes and lifetimes are the file's: name one, as in " +
                          std::string(spec.name) + ":" + std::string(spec.parameters.front().name) +
                          "=FILE.\n";
    }
    const auto row = row_of(what);
    if (!row) {
        return tl::unexpected(row.error());
    }
    const auto census = census_of(*row);
    if (!census) {
        return tl::unexpected(census.error());
    }
    if (json) {
        Json all = description_json(spec);
        all["counted_in"] = row->label;
        all["census"] = *census;
        return all.dump(2) + "\n";
    }
    const bool seen = (*census)["allocations"].get<std::uint64_t>() > 0;
    return description(spec) +
           (seen ? picture(*row, *census)
                 : "\nIts calls come from elsewhere: see `faultline trace info` for a trace.\n");
}

} // namespace faultline::cli
