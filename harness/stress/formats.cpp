#include "harness/stress/formats.hpp"

#include "harness/stress/document.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace faultline::stress {
namespace {

// On one line, without what a terminal or a parser takes for a command.
std::string plain(std::string text) {
    std::replace_if(
        text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
    return text;
}

// In TAP's descriptions "#" begins a directive.
std::string description(const std::string& text) {
    std::string out = plain(text);
    std::replace(out.begin(), out.end(), '#', '.');
    return out;
}

std::string quoted_yaml(const std::string& text) {
    return Json(plain(text))
        .dump(-1, ' ', true, Json::error_handler_t::replace); // a JSON string is a YAML one
}

// Also takes care of bytes that are no UTF-8, which XML cannot hold.
std::string xml(const std::string& text) {
    std::string out;
    for (const char c : plain(text)) {
        switch (c) {
        case '&':
            out += "&amp;";
            break;
        case '<':
            out += "&lt;";
            break;
        case '>':
            out += "&gt;";
            break;
        case '"':
            out += "&quot;";
            break;
        default:
            out += static_cast<unsigned char>(c) < 0x80 ? c : '?';
        }
    }
    return out;
}

double seconds(const CheckResult& result) {
    return static_cast<double>(result.seen.duration_ns) * 1e-9;
}

// Of what is broken: "new", or "known: " and what it is known as.
std::string standing(const Plan& plan, const CheckResult& result) {
    return result.finding ? "known: " + plan.findings[*result.finding].told() : "new";
}

} // namespace

std::string tap(const Plan& plan, const Campaign& campaign) {
    std::string out = fmt::format("TAP version 13\n1..{}\n", campaign.results.size());
    std::size_t number = 0;
    for (const CheckResult& result : campaign.results) {
        const Judged& judged = result.judged;
        const bool broken = judged.verdict == Verdict::broken;
        out += fmt::format("{} {} - {} {}", broken ? "not ok" : "ok", ++number,
                           plan.allocators[result.allocator].name, plan.checks[result.check]->name);
        if (judged.verdict == Verdict::skipped) {
            out += " # SKIP " + description(judged.why);
        } else if (judged.verdict == Verdict::information || judged.outcome == Outcome::partly) {
            out += fmt::format(" ({})", outcome_name(judged.outcome));
        } else if (broken && !fails(plan, result)) {
            out += " # TODO " + description(standing(plan, result));
        }
        out += "\n";
        if (broken) {
            out += fmt::format(
                "  ---\n  outcome: {}\n  why: {}\n  finding: {}\n  seed: {}\n  duration_s: {:.3f}\n  ...\n",
                outcome_name(judged.outcome), quoted_yaml(judged.why), quoted_yaml(standing(plan, result)),
                result.task.seed, seconds(result));
        }
    }
    if (campaign.stopped) {
        out += "Bail out! stopped by the user\n";
    }
    return out;
}

std::string junit(const Plan& plan, const Campaign& campaign) {
    std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"faultline stress\">\n";
    for (std::size_t a = 0; a < plan.allocators.size(); ++a) {
        std::string cases;
        double total_s = 0;
        unsigned tests = 0;
        unsigned accepted = 0;
        for (const CheckResult& result : campaign.results) {
            if (result.allocator != a) {
                continue;
            }
            ++tests;
            total_s += seconds(result);
            const Check& check = *plan.checks[result.check];
            const Judged& judged = result.judged;
            cases += fmt::format("    <testcase classname=\"{}.{}\" name=\"{}\" time=\"{:.3f}\"",
                                 xml(plan.allocators[a].name), kind_name(check.kind()), check.name,
                                 seconds(result));
            switch (judged.verdict) {
            case Verdict::ok:
                cases += "/>\n";
                break;
            case Verdict::broken:
                if (!fails(plan, result)) {
                    ++accepted;
                    cases += fmt::format(">\n      <skipped message=\"{}: {} ({})\"/>\n    </testcase>\n",
                                         outcome_name(judged.outcome), xml(judged.why),
                                         xml(standing(plan, result)));
                    break;
                }
                cases += fmt::format(
                    ">\n      <failure type=\"{}\" message=\"{} ({})\">{}</failure>\n    </testcase>\n",
                    outcome_name(judged.outcome), xml(judged.why), xml(standing(plan, result)),
                    xml(result.seen.stderr_tail));
                break;
            case Verdict::skipped:
                cases +=
                    fmt::format(">\n      <skipped message=\"{}\"/>\n    </testcase>\n", xml(judged.why));
                break;
            case Verdict::information:
                cases += fmt::format(">\n      <system-out>{}: {}</system-out>\n    </testcase>\n",
                                     outcome_name(judged.outcome), xml(judged.why));
                break;
            }
        }
        const Counts counts = count(campaign, a);
        out +=
            fmt::format("  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" "
                        "time=\"{:.3f}\">\n{}  </testsuite>\n",
                        xml(plan.allocators[a].name), tests, counts.broken - accepted,
                        counts.skipped + accepted, total_s, cases);
    }
    return out + "</testsuites>\n";
}

} // namespace faultline::stress
