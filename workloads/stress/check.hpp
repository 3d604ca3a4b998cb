// A check: one promise about an allocator, put to the test in a process of its own.
//
// A check is declared where it is implemented, as a row of its file's table, and the table stands in catalog.cpp. The
// program `faultline-check` runs one of them; `harness/stress` starts it with the allocator preloaded, stops it at its
// time limit, and judges how it ended.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace faultline::stress {

enum class Kind { conformance, misuse, random, faults, soak, differential };
inline constexpr Kind kinds[] = {Kind::conformance, Kind::misuse, Kind::random,
                                 Kind::faults,      Kind::soak,   Kind::differential};
std::string_view kind_name(Kind kind); // "conformance"

// What a check is given.
struct Task {
    std::uint64_t seed = 1;
    unsigned seconds = 0; // for which a timed check works
    std::string
        artifacts; // a folder for what a failure leaves (a trace), made when it is needed; "": leave nothing
    std::string trace; // a file of calls to be made, for the checks that replay one; "" for none
};

struct Check {
    std::string_view name; // "conformance.calloc-zero-after-reuse": kind, full stop, words with hyphens
    std::string_view
        promise; // what must hold, or for a misuse what is done wrong; one sentence without its full stop
    std::string_view by; // who promises it: "C17 7.22.3.2", "POSIX", "glibc manual"; for a misuse ""
    // Returns when it held. Whatever else it has to say goes through voice.hpp; a crash, an abort or a time-out speak
    // for themselves. It may start threads and processes, and leave as it likes.
    void (*run)(const Task& task);
    unsigned time_limit_s = 10; // for all but the time that a timed check works
    unsigned seconds = 0;       // a timed check: for how long unless the user says otherwise; 0: not timed

    Kind kind() const; // as its name begins
};

} // namespace faultline::stress
