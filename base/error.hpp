// Errors as values: made where something fails, passed up unchanged, printed once as one line by the command.
//
//   faultline: suites/quick.toml:12: unknown workload "larsn"; see `faultline list workloads`
//              `-- where ------` `-- what ------------------`  `-- remedy -------------------`
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace faultline {

// Exit statuses beside 0, named and numbered as in sysexits.h. `gate` has its own (1 to 3).
enum class Exit : int {
    failure = 1,         // the command did what it was asked, and the answer is no
    usage = 64,          // the command line is wrong
    data = 65,           // an input file's content is wrong
    no_input = 66,       // an input file is missing or unreadable
    unavailable = 69,    // something this feature needs is not installed or not permitted
    software = 70,       // an internal error: a bug in faultline
    os = 71,             // the operating system refused something that ought to work (fork, mmap)
    cannot_create = 73,  // an output file cannot be created
    io = 74,             // reading or writing failed half-way (a full disk)
    temporary = 75,      // trying again later may work
    invalid_trials = 76, // the run finished, but at least one trial is not valid (EX_PROTOCOL)
};

struct Error {
    Exit status = Exit::software;
    std::string where;  // file:line, allocator or workload name; may be empty
    std::string what;   // the fact, without a full stop
    std::string remedy; // what the user can do; may be empty

    // "where: what; remedy" without the parts that are empty, on one line: control characters of user data
    // are shown as \xNN, so that a hostile file name cannot forge a second line or move the cursor.
    std::string line() const;
};

template <typename T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(Exit status, std::string where, std::string what, std::string remedy = {}) {
    return tl::unexpected<Error>(Error{status, std::move(where), std::move(what), std::move(remedy)});
}

// As fail(), with ": <strerror(errno_value)>" after `what`.
tl::unexpected<Error> fail_errno(Exit status, std::string where, std::string what, int errno_value,
                                 std::string remedy = {});

} // namespace faultline
