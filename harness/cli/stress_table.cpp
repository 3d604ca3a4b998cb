#include "harness/cli/stress_table.hpp"

#include "harness/cli/table.hpp"
#include "harness/stress/document.hpp"
#include "workloads/stress/voice.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace faultline::cli {
namespace {

using stress::CheckResult;
using stress::Outcome;
using stress::Verdict;

// Red for what is broken (bold when it is new), green for a misuse that was stopped, yellow for one that did harm.
std::string coloured(const std::string& text, const CheckResult& result) {
    const stress::Judged& judged = result.judged;
    const char* colour = result.is_new()                                                            ? "31;1"
                         : judged.verdict == Verdict::broken                                        ? "31"
                         : judged.outcome == Outcome::stopped || judged.outcome == Outcome::delayed ? "32"
                         : judged.outcome == Outcome::corrupted || judged.outcome == Outcome::crashed
                             ? "33"
                             : nullptr;
    return colour == nullptr ? text : fmt::format("\x1b[{}m{}\x1b[0m", colour, text);
}

std::string cell(const CheckResult* result, const Look& look) {
    if (result == nullptr) {
        return ""; // stopped before it
    }
    std::string text = cell_word(result->judged.outcome);
    if (result->judged.verdict == Verdict::broken) {
        text = (result->finding ? "~" : "!") + text;
    } else if (stress::first_said(result->seen, stress::word::note)) {
        text += "*";
    }
    return look.colour ? coloured(text, *result) : text;
}

class Tables {
  public:
    Tables(const stress::Plan& plan, const stress::Campaign& campaign, const Look& look)
        : plan_(plan), look_(look) {
        for (const CheckResult& result : campaign.results) {
            by_place_[{result.check, result.allocator}] = &result;
        }
    }

    std::string of_kind(stress::Kind kind) const {
        std::vector<std::size_t> rows;
        for (std::size_t c = 0; c < plan_.checks.size(); ++c) {
            if (plan_.checks[c]->kind() == kind && by_place_.contains({c, 0})) {
                rows.push_back(c);
            }
        }
        std::string text;
        for (std::size_t first = 0; !rows.empty() && first < plan_.allocators.size();) {
            std::size_t count = plan_.allocators.size() - first;
            std::string block = table(kind, rows, first, count);
            while (count > 1 && block.find('\n') != std::string::npos && widest(block) > look_.columns) {
                block = table(kind, rows, first, --count);
            }
            text += "\n" + block;
            first += count;
        }
        return text;
    }

  private:
    std::string table(stress::Kind kind, const std::vector<std::size_t>& rows, std::size_t first,
                      std::size_t count) const {
        std::vector<std::string> header{std::string(stress::kind_name(kind))};
        for (std::size_t a = first; a < first + count; ++a) {
            header.push_back(plan_.allocators[a].name);
        }
        Table out(std::move(header), Table::Align::left);
        for (const std::size_t c : rows) {
            std::vector<std::string> cells{
                "  " + std::string(plan_.checks[c]->name.substr(stress::kind_name(kind).size() + 1))};
            for (std::size_t a = first; a < first + count; ++a) {
                const auto found = by_place_.find({c, a});
                cells.push_back(cell(found == by_place_.end() ? nullptr : found->second, look_));
            }
            out.add(std::move(cells));
        }
        return out.text();
    }

    static std::size_t widest(const std::string& text) {
        std::size_t most = 0;
        for (std::size_t start = 0; start < text.size();) {
            const std::size_t end = std::min(text.find('\n', start), text.size());
            most = std::max(most, display_width(text.substr(start, end - start)));
            start = end + 1;
        }
        return most;
    }

    const stress::Plan& plan_;
    const Look& look_;
    std::map<std::pair<std::size_t, std::size_t>, const CheckResult*> by_place_;
};

std::string broken_lines(const stress::Plan& plan, const stress::Campaign& campaign) {
    std::string text;
    for (const CheckResult& result : campaign.results) {
        if (result.judged.verdict == Verdict::broken) {
            const stress::Check& check = *plan.checks[result.check];
            text += fmt::format("\nbroken, {}: {} on {}: {}{}\n", result.finding ? "known" : "NEW",
                                check.name, plan.allocators[result.allocator].name,
                                stress::outcome_name(result.judged.outcome),
                                result.judged.why.empty() ? "" : ": " + result.judged.why);
            text +=
                fmt::format("  promised{}{}: {}\n", check.by.empty() ? "" : " by ", check.by, check.promise);
            if (result.finding) {
                text += fmt::format("  known: {}\n", plan.findings[*result.finding].told());
            }
            for (const stress::Said& said : result.seen.said) {
                if (said.word == stress::word::artifact) {
                    text += fmt::format("  shown by {}\n", said.text);
                }
            }
        }
    }
    return text;
}

// Where an allocator fell short of what faultline expects and nobody promises.
std::string short_lines(const stress::Plan& plan, const stress::Campaign& campaign) {
    std::string text;
    for (const CheckResult& result : campaign.results) {
        const stress::Check& check = *plan.checks[result.check];
        if (result.judged.verdict == Verdict::information && check.kind() != stress::Kind::misuse) {
            text += fmt::format("  {}: {} ({})\n", check.name, result.judged.why,
                                plan.allocators[result.allocator].name);
            if (result.finding) {
                text += fmt::format("    known: {}\n", plan.findings[*result.finding].told());
            }
        }
    }
    return text.empty()
               ? ""
               : "\nexpected by faultline, promised by no standard, and so held against nobody:\n" + text;
}

// The same remark of several allocators once, with all of their names.
std::string note_lines(const stress::Plan& plan, const stress::Campaign& campaign) {
    std::vector<std::pair<std::string, std::string>> notes; // what, whose
    for (const CheckResult& result : campaign.results) {
        for (const stress::Said& said : result.seen.said) {
            if (said.word != stress::word::note) {
                continue;
            }
            const std::string what = fmt::format("{}: {}", plan.checks[result.check]->name, said.text);
            const std::string& whose = plan.allocators[result.allocator].name;
            const auto known =
                std::find_if(notes.begin(), notes.end(), [&](const auto& n) { return n.first == what; });
            if (known == notes.end()) {
                notes.emplace_back(what, whose);
            } else if (!known->second.ends_with(whose)) {
                known->second += ", " + whose;
            }
        }
    }
    std::string text = notes.empty() ? "" : "\n* differs where nothing forbids it:\n";
    for (const auto& [what, whose] : notes) {
        text += fmt::format("  {} ({})\n", what, whose);
    }
    return text;
}

// How much of what is broken is known, and what is new by name.
std::string new_lines(const stress::Plan& plan, const stress::Campaign& campaign) {
    std::size_t broken = 0;
    std::size_t fresh = 0;
    std::string names;
    for (const CheckResult& result : campaign.results) {
        broken += result.judged.verdict == Verdict::broken ? 1 : 0;
        if (result.is_new()) {
            ++fresh;
            names += fmt::format("  {} on {}\n", plan.checks[result.check]->name,
                                 plan.allocators[result.allocator].name);
        }
    }
    return broken == 0 ? ""
                       : fmt::format("\nof {} broken, {} known{}, {} NEW{}\n{}", broken, broken - fresh,
                                     broken == fresh     ? ""
                                     : plan.accept_known ? " and accepted"
                                                         : " (--accept-known lets them pass)",
                                     fresh, fresh == 0 ? "" : ":", names);
}

// What was not tried, or not all of it, and so says nothing of the allocator: last, where an exit status of 0 is read.
std::string untried_lines(const stress::Plan& plan, const stress::Campaign& campaign) {
    std::vector<std::pair<std::string, std::string>> untried; // what and why, whose
    std::size_t count = 0;
    for (const CheckResult& result : campaign.results) {
        const bool is_partly =
            result.judged.verdict == Verdict::ok && result.judged.outcome == Outcome::partly;
        if (result.judged.verdict != Verdict::skipped && !is_partly) {
            continue;
        }
        ++count;
        const std::string what = fmt::format("{}{}: {}", plan.checks[result.check]->name,
                                             is_partly ? ", in part" : "", result.judged.why);
        const std::string& whose = plan.allocators[result.allocator].name;
        if (!untried.empty() && untried.back().first == what) {
            untried.back().second += ", " + whose;
        } else {
            untried.emplace_back(what, whose);
        }
    }
    if (count == 0) {
        return "";
    }
    std::string text = fmt::format(
        "\nnot tried, or not all of it, so not known to hold (--require-tried counts it as broken): {} of {} "
        "results\n",
        count, campaign.results.size());
    for (const auto& [what, whose] : untried) {
        text += fmt::format("  {} ({})\n", what, whose);
    }
    return text;
}

} // namespace

const char* cell_word(Outcome outcome) {
    switch (outcome) {
    case Outcome::held:
        return "ok";
    case Outcome::partly:
        return "part";
    case Outcome::failed:
        return "fail";
    case Outcome::crashed:
        return "crash";
    case Outcome::stopped:
        return "stop";
    case Outcome::delayed:
        return "delay";
    case Outcome::hung:
        return "hang";
    case Outcome::exhausted:
        return "mem";
    case Outcome::lost:
        return "lost";
    case Outcome::corrupted:
        return "harm";
    case Outcome::late:
        return "late";
    case Outcome::unnoticed:
        return "-";
    case Outcome::skipped:
        return "skip";
    case Outcome::unproven:
        return "other";
    }
    return "";
}

std::string stress_tables(const stress::Plan& plan, const stress::Campaign& campaign, const Look& look) {
    const Tables tables(plan, campaign, look);
    std::string text;
    for (const stress::Kind kind : stress::kinds) {
        text += tables.of_kind(kind);
        if (kind == stress::Kind::misuse && text.find("\nmisuse") != std::string::npos) {
            text += "  stop: the wrong call ended with a message; delay: a later call did, before harm was "
                    "seen;\n"
                    "  late: after harm was seen; harm: memory went wrong, as the program saw; crash: ended "
                    "without\n"
                    "  a word; -: went by unnoticed\n";
        }
    }
    if (std::any_of(campaign.results.begin(), campaign.results.end(),
                    [](const CheckResult& r) { return r.judged.verdict == Verdict::broken; })) {
        text += "\n  !: broken, and NEW; ~: broken, as is known of this version\n";
    }
    text += broken_lines(plan, campaign) + short_lines(plan, campaign) + note_lines(plan, campaign) + "\n";
    Table counts({"", "held", "broken", "new", "information", "skipped"});
    for (std::size_t a = 0; a < plan.allocators.size(); ++a) {
        const stress::Counts count = stress::count(campaign, a);
        counts.add({plan.allocators[a].name, std::to_string(count.ok), std::to_string(count.broken),
                    std::to_string(count.fresh), std::to_string(count.information),
                    std::to_string(count.skipped)});
    }
    return text + counts.text() + new_lines(plan, campaign) + untried_lines(plan, campaign);
}

} // namespace faultline::cli
