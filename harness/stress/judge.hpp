// What is made of a check that ended. Pure functions of what was observed, so that each rule has its test.
//
// Each kind has its own way to judge. A misuse is not the allocator's fault: its outcome is information, and a failure
// only where the allocator promised to stop it. Every other kind holds or is broken, but for what no standard promises
// (voice.hpp, fall_short), which is information, too, unless the allocator promises it.
#pragma once

#include "harness/stress/runner.hpp"

#include <optional>
#include <span>

namespace faultline::stress {

enum class Outcome {
    held,      // as promised
    partly,    // what was tried of it held; the check said what was not
    failed,    // the check said that it is not
    crashed,   // died of a signal, and said nothing
    stopped,   // died with a message: the allocator's own; of a misuse: at the wrong call
    delayed,   // a misuse went by, and a later call died with a message before harm was seen
    hung,      // did not end in time
    exhausted, // took all the memory there is
    lost,      // ended as if it were done, without having come to its end
    corrupted, // a misuse did harm that the program could see
    late,      // the same, and was stopped with a message afterwards
    unnoticed, // a misuse went by and did no harm that was seen
    skipped,   // it could not be tried here
    unproven,  // another malloc than the allocator's answered
};
const char* outcome_name(Outcome outcome);

enum class Verdict {
    ok,
    broken,      // a promise does not hold: the command's exit status says so
    information, // of a misuse that nobody promised to stop, or of what faultline alone expects
    skipped,
};
const char* verdict_name(Verdict verdict);

struct Judged {
    Outcome outcome = Outcome::held;
    Verdict verdict = Verdict::ok;
    std::string why; // one line: what the check or the allocator said, the signal; "" when it held
};

// `promised`: the allocator promises to stop this misuse, or more of this check than standards do.
Judged judge(const Check& check, const Observed& seen, const registry::Allocator& allocator, bool promised);

// A check that was run on several allocators and whose digests must be as the reference's, which is the C library's: those
// that differ are broken, and nobody is where there is no reference. `digests[i]` is nullopt where allocator i has none.
void judge_digests(std::span<Judged> judged, std::span<const std::optional<std::string>> digests,
                   const std::optional<std::string>& reference);

// Of the reference itself: nobody is right against it, but where there is no other, nothing was compared and it is skipped.
void judge_reference(Judged& judged, std::size_t others);

// The text of the first line of this word.
std::optional<std::string> first_said(const Observed& seen, std::string_view word);

} // namespace faultline::stress
