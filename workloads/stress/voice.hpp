// How a check speaks: one line each on the report descriptor, written with one write(2) and without memory of the
// allocator under test, so that it works from any thread, forked child or signal handler, and in a broken heap.
//
// The lines ("failed the block at 0x10 is not zero") are what `harness/stress` reads; run by hand, the program prints
// them on standard output.
#pragma once

#include <cstdint>

namespace faultline::stress {

// What a line may begin with.
namespace word {
inline constexpr const char* loaded = "loaded"; // the file that answers malloc
inline constexpr const char* failed = "failed"; // the promise is broken: how
inline constexpr const char* fell_short =
    "fell-short";                                 // of what faultline expects and no standard promises: how
inline constexpr const char* skipped = "skipped"; // it cannot be tried here: why
inline constexpr const char* untried = "untried"; // what of it was not tried, though the rest held: why
inline constexpr const char* corrupted = "corrupted"; // what harm a misuse did, seen by the program
inline constexpr const char* survived = "survived";   // a misuse is behind the program, and it goes on
inline constexpr const char* note = "note";           // differs from what others do, where nothing forbids it
inline constexpr const char* digest = "digest";       // must be the same on every allocator
inline constexpr const char* figure = "figure";       // NAME VALUE: something counted
inline constexpr const char* artifact = "artifact";   // path of a file that shows the failure
inline constexpr const char* end = "end";             // the check came to its end
} // namespace word

// Exit statuses of `faultline-check` beside 0.
inline constexpr int status_failed = 1;   // fail() or fall_short() was called
inline constexpr int status_skipped = 77; // skip() was called
inline constexpr int status_usage = 64;

// Say it and end the process at once, without exit handlers; from a child this ends the child, and the line counts.
[[noreturn, gnu::cold, gnu::format(printf, 1, 2)]] void fail(const char* format, ...);
[[noreturn, gnu::cold, gnu::format(printf, 1, 2)]] void fall_short(const char* format, ...);
[[noreturn, gnu::cold, gnu::format(printf, 1, 2)]] void skip(const char* format, ...);

// fail() unless `holds`.
#define FAULTLINE_EXPECT(holds, ...) ((holds) ? static_cast<void>(0) : ::faultline::stress::fail(__VA_ARGS__))

// Say it and go on.
[[gnu::cold, gnu::format(printf, 1, 2)]] void note(const char* format, ...);
[[gnu::cold, gnu::format(printf, 1, 2)]] void untried(const char* format, ...);
[[gnu::cold, gnu::format(printf, 1, 2)]] void corrupted(const char* format, ...);
void survived(); // the first time; what ends the program from now on came after its mistake
[[gnu::format(printf, 1, 2)]] void digest(const char* format, ...);
[[gnu::format(printf, 1, 2)]] void artifact(const char* format, ...);
void figure(const char* name, std::uint64_t value);

// A check that goes on after main (exit handlers) takes the end on itself: postpone_end() in run, say_end() at last.
void postpone_end();
void say_end();

} // namespace faultline::stress
