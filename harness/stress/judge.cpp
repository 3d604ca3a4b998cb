#include "harness/stress/judge.hpp"

#include "harness/process/observe.hpp"
#include "workloads/stress/voice.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <sstream>

namespace faultline::stress {
namespace {

std::string signal_name(int number) {
    const char* name = ::sigabbrev_np(number);
    return name != nullptr ? std::string("SIG") + name : "signal " + std::to_string(number);
}

// "SIGABRT: free(): double free detected in tcache 2"
std::string with_stderr(const std::string& why, const Observed& seen) {
    // glibc and slabuddy end with their message, gperftools and scudo begin with it and go on.
    const std::string first = seen.stderr_tail.substr(0, seen.stderr_tail.find('\n'));
    const std::string said = first.empty() ? process::last_line(seen.stderr_tail) : first;
    return said.empty() ? why : why + ": " + said;
}

// What no check says of itself.
std::optional<Judged> from_outside(const Observed& seen) {
    if (seen.memory_exceeded) {
        return Judged{Outcome::exhausted, Verdict::broken, "used more memory than there is, and was ended"};
    }
    if (seen.timed_out) {
        return Judged{Outcome::hung, Verdict::broken,
                      with_stderr("did not end in time, and was ended", seen)};
    }
    if (seen.exit.signal) {
        const bool silent = seen.stderr_tail.find_first_not_of('\n') == std::string::npos;
        return Judged{silent ? Outcome::crashed : Outcome::stopped, Verdict::broken,
                      with_stderr(signal_name(*seen.exit.signal), seen)};
    }
    return std::nullopt;
}

// An ending that the check did not choose: some allocators end the process with a message and a status.
Judged bad_status(const Observed& seen) {
    const bool silent = seen.stderr_tail.find_first_not_of('\n') == std::string::npos;
    return {silent ? Outcome::crashed : Outcome::stopped, Verdict::broken,
            with_stderr("exit status " + std::to_string(seen.exit.status.value_or(-1)), seen)};
}

std::optional<Judged> not_proven(const Observed& seen, const registry::Allocator& allocator) {
    const auto loaded = first_said(seen, word::loaded);
    if (!loaded) {
        return std::nullopt; // it died before it could say so
    }
    std::string complaint = registry::judge_resolution(allocator, "malloc", *loaded);
    if (complaint.empty()) {
        return std::nullopt;
    }
    return Judged{Outcome::unproven, Verdict::broken, std::move(complaint)};
}

Judged judge_promise(const Observed& seen, bool promised) {
    if (auto failed = first_said(seen, word::failed)) {
        return {Outcome::failed, Verdict::broken, *failed};
    }
    if (auto short_of = first_said(seen, word::fell_short)) {
        return {Outcome::failed, promised ? Verdict::broken : Verdict::information, *short_of};
    }
    if (auto outside = from_outside(seen)) {
        return *outside;
    }
    if (auto skipped = first_said(seen, word::skipped)) {
        return {Outcome::skipped, Verdict::skipped, *skipped};
    }
    if (seen.exit.status != 0) {
        return bad_status(seen);
    }
    if (!first_said(seen, word::end)) {
        return {Outcome::lost, Verdict::broken, with_stderr("ended before its end, with status 0", seen)};
    }
    if (auto untried = first_said(seen, word::untried)) {
        return {Outcome::partly, Verdict::ok, *untried};
    }
    return {};
}

// Before the program saw any harm.
bool is_in_time(Outcome outcome) {
    return outcome == Outcome::stopped || outcome == Outcome::delayed;
}

Judged judge_misuse(const Observed& seen, bool promised) {
    Judged judged{Outcome::unnoticed, Verdict::information, ""};
    if (auto outside = from_outside(seen)) {
        judged = *outside;
    } else if (auto skipped = first_said(seen, word::skipped)) {
        return {Outcome::skipped, Verdict::skipped, *skipped};
    } else if (seen.exit.status != 0) {
        judged = bad_status(seen);
    }
    if (judged.outcome == Outcome::stopped && first_said(seen, word::survived)) {
        judged.outcome = Outcome::delayed;
    }
    // Harm that the program saw counts however it ended: by then it was too late.
    if (auto harm = first_said(seen, word::corrupted)) {
        judged = is_in_time(judged.outcome)
                     ? Judged{Outcome::late, Verdict::information, *harm + "; then " + judged.why}
                     : Judged{Outcome::corrupted, Verdict::information, *harm};
    }
    judged.verdict = !promised                    ? Verdict::information
                     : is_in_time(judged.outcome) ? Verdict::ok
                                                  : Verdict::broken;
    return judged;
}

} // namespace

const char* outcome_name(Outcome outcome) {
    switch (outcome) {
    case Outcome::held:
        return "held";
    case Outcome::partly:
        return "partly";
    case Outcome::failed:
        return "failed";
    case Outcome::crashed:
        return "crashed";
    case Outcome::stopped:
        return "stopped";
    case Outcome::delayed:
        return "delayed";
    case Outcome::hung:
        return "hung";
    case Outcome::exhausted:
        return "exhausted";
    case Outcome::lost:
        return "lost";
    case Outcome::corrupted:
        return "corrupted";
    case Outcome::late:
        return "late";
    case Outcome::unnoticed:
        return "unnoticed";
    case Outcome::skipped:
        return "skipped";
    case Outcome::unproven:
        return "unproven";
    }
    return "";
}

const char* verdict_name(Verdict verdict) {
    switch (verdict) {
    case Verdict::ok:
        return "ok";
    case Verdict::broken:
        return "broken";
    case Verdict::information:
        return "information";
    case Verdict::skipped:
        return "skipped";
    }
    return "";
}

std::optional<std::string> first_said(const Observed& seen, std::string_view word) {
    const auto found =
        std::find_if(seen.said.begin(), seen.said.end(), [&](const Said& said) { return said.word == word; });
    return found == seen.said.end() ? std::nullopt : std::optional(found->text);
}

Judged judge(const Check& check, const Observed& seen, const registry::Allocator& allocator, bool promised) {
    if (auto unproven = not_proven(seen, allocator)) {
        return *unproven;
    }
    return check.kind() == Kind::misuse ? judge_misuse(seen, promised) : judge_promise(seen, promised);
}

namespace {

// Of digests like "blocks=1f errno=3c", the names before the differing values; all of the first where they have no names.
std::string parts_that_differ(const std::string& digest, const std::string& other) {
    const auto parts = [](const std::string& text) {
        std::istringstream words(text);
        return std::vector<std::string>(std::istream_iterator<std::string>(words), {});
    };
    const std::vector<std::string> others = parts(other);
    std::string names;
    for (const std::string& part : parts(digest)) {
        if (std::find(others.begin(), others.end(), part) == others.end()) {
            names += (names.empty() ? "" : ", ") + part.substr(0, part.find('='));
        }
    }
    return names.empty() ? digest : names;
}

} // namespace

void judge_digests(std::span<Judged> judged, std::span<const std::optional<std::string>> digests,
                   const std::optional<std::string>& reference) {
    for (std::size_t i = 0; i < judged.size(); ++i) {
        if (!digests[i] || judged[i].outcome != Outcome::held) {
            continue;
        }
        if (!reference) {
            judged[i] = {Outcome::skipped, Verdict::skipped,
                         "there is nothing to compare with: the C library came to no result"};
        } else if (*digests[i] != *reference) {
            judged[i] = {Outcome::failed, Verdict::broken,
                         "differs from the C library in " + parts_that_differ(*digests[i], *reference)};
        }
    }
}

void judge_reference(Judged& judged, std::size_t others) {
    if (judged.outcome == Outcome::held && others == 0) {
        judged = {Outcome::skipped, Verdict::skipped,
                  "there is nothing to compare with: the C library is what others are compared with"};
    }
}

} // namespace faultline::stress
