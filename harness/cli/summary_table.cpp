#include "harness/cli/summary_table.hpp"

#include "harness/cli/table.hpp"
#include "harness/results/summary.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace faultline::cli {
namespace {

// The signed-rank test on fewer pairs cannot reach 95 % confidence (2^-5 on each side is 6 %).
constexpr unsigned rounds_for_a_verdict = 6;

using results::Cell;
using Reading = std::optional<double> Cell::*;

std::string ratio(const Cell& cell, const Cell& base, Reading reading) {
    if (!(cell.*reading)) {
        return cell.invalid > 0 ? "invalid" : "-";
    }
    if (!(base.*reading) || *(base.*reading) == 0) {
        return "?";
    }
    return fmt::format("{:.2f}x", *(cell.*reading) / *(base.*reading)) + (cell.invalid > 0 ? "!" : "");
}

// Over the rows in which every subject has a value: else two columns would be means of different workloads.
std::string geometric_mean(const results::Summary& summary, std::size_t subjects, std::size_t column,
                           Reading reading) {
    double sum = 0;
    unsigned count = 0;
    for (const results::Row& row : summary.rows) {
        const auto first = row.cells.begin();
        const bool whole = std::all_of(first, first + static_cast<std::ptrdiff_t>(subjects),
                                       [&](const Cell& cell) { return (cell.*reading).value_or(0) > 0; });
        if (whole) {
            sum += std::log(*(row.cells[column].*reading) / *(row.cells[0].*reading));
            ++count;
        }
    }
    return count == 0 ? "-" : fmt::format("{:.2f}x", std::exp(sum / count));
}

std::string comparison(const results::Summary& summary, std::size_t subjects, const std::string& title,
                       Reading reading, std::string (*absolute)(double)) {
    std::vector<std::string> header{title};
    header.insert(header.end(), summary.allocators.begin(),
                  summary.allocators.begin() + static_cast<std::ptrdiff_t>(subjects));
    Table table(header);
    for (const results::Row& row : summary.rows) {
        const Cell& base = row.cells[0];
        std::vector<std::string> cells{row.workload, base.*reading ? absolute(*(base.*reading))
                                                                   : ratio(base, base, reading)};
        for (std::size_t i = 1; i < subjects; ++i) {
            cells.push_back(ratio(row.cells[i], base, reading));
        }
        table.add(std::move(cells));
    }
    if (summary.rows.size() > 1) {
        std::vector<std::string> cells{"geometric mean", "1.00x"};
        for (std::size_t i = 1; i < subjects; ++i) {
            cells.push_back(geometric_mean(summary, subjects, i, reading));
        }
        table.add(std::move(cells));
    }
    return table.text();
}

// What an operation costs where the allocator does next to nothing: its arena was faulted in before.
std::string floor_line(const results::Summary& summary, std::size_t column) {
    std::string text;
    for (const results::Row& row : summary.rows) {
        if (const auto& cost = row.cells[column].cpu_ns_per_operation) {
            text += fmt::format("{}{} {:.1f} ns", text.empty() ? "" : ", ", row.workload, *cost);
        }
    }
    return text.empty()
               ? ""
               : fmt::format(
                     "\nthe harness and the workload's own work, in CPU time an operation, on {}: {}\n",
                     summary.allocators[column], text);
}

} // namespace

std::string summary_table(const plan::Plan& plan, const results::Document& document) {
    std::vector<std::string> workloads;
    for (const plan::Row& row : plan.rows) {
        workloads.push_back(row.label);
    }
    std::vector<std::string> allocators; // subjects first: the floor is never compared
    std::size_t subjects = 0;
    for (const plan::Role role : {plan::Role::subject, plan::Role::floor}) {
        for (const plan::Arm& arm : plan.arms) {
            if (arm.role == role) {
                allocators.push_back(arm.allocator.name);
                subjects += role == plan::Role::subject ? 1 : 0;
            }
        }
    }
    const results::Summary summary = results::summarise(document.trials, workloads, allocators);
    std::string text = fmt::format("\nmedians over {}; {} is 1.00x, less is better\n\n",
                                   counted(document.rounds_whole, "round"), summary.allocators[0]);
    text += comparison(summary, subjects, "CPU time/operation", &Cell::cpu_ns_per_operation, human_ns) + "\n";
    text += comparison(summary, subjects, "peak memory", &Cell::peak_rss_bytes, human_bytes);
    for (std::size_t i = subjects; i < allocators.size(); ++i) {
        text += floor_line(summary, i);
    }
    if (document.rounds_whole < rounds_for_a_verdict) {
        text += fmt::format("\n{} cannot make a difference certain; use --rounds 20 for verdicts\n",
                            counted(document.rounds_whole, "round"));
    }
    return text;
}

} // namespace faultline::cli
