#include "harness/cli/summary_table.hpp"

#include "harness/cli/table.hpp"
#include "harness/results/summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>

namespace faultline::cli {
namespace {

// The signed-rank test on fewer pairs cannot reach 95 % confidence (2^-5 on each side is 6 %).
constexpr unsigned rounds_for_a_verdict = 6;

using results::ByRound;
using results::Cell;

// What a table compares: the medians that are shown, the values that are paired, and the least that gives a ratio.
struct Reading {
    std::optional<double> Cell::*middle;
    ByRound Cell::*in_rounds;
    double least;
    std::string (*absolute)(double);
};

ByRound ratios(const results::Row& row, std::size_t column, const Reading& reading) {
    return results::log_ratios(row.cells[0].*reading.in_rounds, row.cells[column].*reading.in_rounds,
                               reading.least);
}

std::string entry(const results::Row& row, std::size_t column, const Reading& reading) {
    const Cell& cell = row.cells[column];
    if (!(cell.*reading.middle)) {
        return cell.invalid > 0 ? "invalid" : "-";
    }
    const auto ratio = column == 0 ? std::nullopt : results::paired_ratio(ratios(row, column, reading));
    return (ratio ? fmt::format("{:.2f}x", *ratio) : reading.absolute(*(cell.*reading.middle))) +
           (cell.invalid > 0 ? "!" : "");
}

// A row is of one workload, and holds what each subject but the first did beside the first.
std::vector<std::vector<ByRound>> all_ratios(const results::Summary& summary, std::size_t subjects,
                                             const Reading& reading) {
    std::vector<std::vector<ByRound>> rows;
    for (const results::Row& row : summary.rows) {
        rows.emplace_back();
        for (std::size_t i = 1; i < subjects; ++i) {
            rows.back().push_back(ratios(row, i, reading));
        }
    }
    return rows;
}

// Over how many rows it is is said where they are not all.
std::string geometric_mean(std::span<const std::vector<ByRound>> rows, const std::vector<bool>& steady,
                           std::size_t column) {
    std::vector<ByRound> used;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (steady[i]) {
            used.push_back(rows[i][column]);
        }
    }
    const auto mean = results::mean_ratio(used);
    if (!mean) {
        return "-";
    }
    return fmt::format("{:.2f}x", mean->ratio) +
           (mean->rows < rows.size() ? fmt::format(" ({} of {})", mean->rows, rows.size()) : "");
}

// Which rows are in no mean for it, and how far the first subject's own values lie apart there.
std::string swings(const results::Summary& summary, const std::vector<bool>& steady, const Reading& reading) {
    std::string text;
    for (std::size_t i = 0; i < steady.size(); ++i) {
        if (steady[i]) {
            continue;
        }
        const ByRound& base = summary.rows[i].cells[0].*reading.in_rounds;
        const auto [least, most] = std::ranges::minmax_element(base, {}, &ByRound::value_type::second);
        text += fmt::format("{}{} ({}: {} to {})", text.empty() ? "" : ", ", summary.rows[i].workload,
                            summary.allocators[0], reading.absolute(least->second),
                            reading.absolute(most->second));
    }
    return text.empty()
               ? text
               : fmt::format("not in the mean, for swinging too far from round to round: {}\n", text);
}

std::string comparison(const results::Summary& summary, std::size_t subjects, const std::string& title,
                       const Reading& reading) {
    std::vector<std::string> header{title};
    header.insert(header.end(), summary.allocators.begin(),
                  summary.allocators.begin() + static_cast<std::ptrdiff_t>(subjects));
    Table table(header);
    for (const results::Row& row : summary.rows) {
        std::vector<std::string> cells{row.workload};
        for (std::size_t i = 0; i < subjects; ++i) {
            cells.push_back(entry(row, i, reading));
        }
        table.add(std::move(cells));
    }
    if (summary.rows.size() < 2) {
        return table.text();
    }
    const std::vector<std::vector<ByRound>> rows = all_ratios(summary, subjects, reading);
    const std::vector<bool> steady = results::steady_rows(rows);
    std::vector<std::string> cells{"geometric mean", "1.00x"};
    for (std::size_t i = 0; i + 1 < subjects; ++i) {
        cells.push_back(geometric_mean(rows, steady, i));
    }
    table.add(std::move(cells));
    return table.text() + swings(summary, steady, reading);
}

// Rows without an allocator in them have nothing to be compared with.
std::string kernel_table(const results::Summary& summary) {
    Table table({"without an allocator", "CPU time/operation", "wall time"});
    for (const results::Row& row : summary.rows) {
        const Cell& cell = row.cells[0];
        const auto shown = [&](const std::optional<double>& ns) {
            return ns ? human_ns(*ns) : cell.invalid > 0 ? "invalid" : "-";
        };
        table.add({row.workload, shown(cell.cpu_ns_per_operation), shown(cell.wall_ns)});
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

std::string compared(const results::Summary& summary, std::size_t subjects, unsigned rounds) {
    const Reading cpu{&Cell::cpu_ns_per_operation, &Cell::cpu_in_rounds, 0, human_ns};
    const Reading heap{&Cell::peak_heap_bytes, &Cell::heap_in_rounds, results::least_heap_for_ratio,
                       human_bytes};
    std::string text =
        fmt::format("\n{}; {} is 1.00x, less is better\n\n", counted(rounds, "round"), summary.allocators[0]);
    text += comparison(summary, subjects, "CPU time/operation", cpu) + "\n";
    text += comparison(summary, subjects, "peak heap", heap);
    text +=
        fmt::format("heap: what the workload added to the process; less than {} is too small for a ratio\n",
                    human_bytes(results::least_heap_for_ratio));
    for (std::size_t i = subjects; i < summary.allocators.size(); ++i) {
        text += floor_line(summary, i);
    }
    if (rounds < rounds_for_a_verdict) {
        text += fmt::format("\n{} cannot make a difference certain; use --rounds 20 for verdicts\n",
                            counted(rounds, "round"));
    }
    return text;
}

} // namespace

std::string summary_table(const plan::Plan& plan, const results::Document& document) {
    std::vector<std::string> workloads;
    std::vector<std::string> of_kernel;
    for (const plan::Row& row : plan.rows) {
        (row.spec->has_allocator_axis() ? workloads : of_kernel).push_back(row.label);
    }
    std::vector<std::string> allocators; // subjects first: the floor is never compared
    std::vector<std::string> nobody;
    std::size_t subjects = 0;
    for (const plan::Role role : {plan::Role::subject, plan::Role::floor, plan::Role::kernel}) {
        for (const plan::Arm& arm : plan.arms) {
            if (arm.role == role) {
                (role == plan::Role::kernel ? nobody : allocators).push_back(arm.allocator.name);
                subjects += role == plan::Role::subject ? 1 : 0;
            }
        }
    }
    std::string text;
    if (subjects > 0) {
        text += compared(results::summarise(document.trials, workloads, allocators), subjects,
                         document.rounds_whole);
    }
    if (!of_kernel.empty()) {
        text += fmt::format("\nmedians over {}\n", counted(document.rounds_whole, "round"));
        text += kernel_table(results::summarise(document.trials, of_kernel, nobody));
    }
    return text;
}

} // namespace faultline::cli
