// A real program as a workload, as its TOML file describes it. Five lines are enough:
//
//   summary = "sorting a million lines"
//   package = "coreutils"
//   prepare = ["seq 1000000 | tac >lines"]
//   command = ["sort", "-n", "lines"]
//   expect = "^1$"
//
// A command is a list of words, or one string for /bin/sh. Words may hold {dir} (the folder of the file), {work} (the
// folder the program runs in, empty at first, removed afterwards), {threads}, and {NAME} for each of [parameters].
//
//   prepare      commands that make the input, on libc's malloc, not measured
//   command      the program that is measured, from its start to its end; or, of a service:
//   server       the program that is measured while `load` runs; `ready` is tried until it succeeds; `stop` ends it (else
//                SIGTERM does)
//   verify       after the end, on libc's malloc: must succeed; what it prints is part of the output
//   drop         lines of the output that match one of these (POSIX extended) are left out: times, addresses
//   expect       the output must have a line that matches; `sha256`: the output must have this sum
//   exit         the status it ends with, 0 else
// The output (what the program, or the load, prints, then what `verify` prints) is the trial's checksum, so it must be
// the same under every allocator.
#pragma once

#include "base/error.hpp"
#include "workloads/engine/workload.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace faultline::apps {

using Words = std::vector<std::string>;

struct Definition {
    std::string name; // "app:sqlite3"
    std::filesystem::path file;
    std::string summary;
    std::string citation;
    std::string package; // Debian's, for the remedy
    std::string program; // what must be installed; the first word of what is measured where it is not given
    Words needs;         // files or patterns that must exist too, such as a test suite
    Words search;        // folders before the system's in PATH; may be patterns
    std::vector<Words> prepare;
    Words command;
    Words server;
    Words ready;
    Words load;
    Words stop;
    Words verify;
    Words drop;
    std::string expect;
    std::string sha256;
    int exit_status = 0;
    std::map<std::string, std::string> environment;
    std::map<std::string, std::string> parameters; // whole numbers, with their defaults
    std::string operations =
        "1"; // what the job is counted in, such as the requests of a load: may be "{NAME}"
    std::uint64_t memory_bytes = std::uint64_t{256} << 20; // that a run needs, roughly
    bool root = true;        // false: it refuses to be root, and runs as nobody where faultline is root
    bool libc_first = false; // linked with a malloc of its own choice: libc is preloaded for the arm `system`
    Words notes;

    // What catalogued workloads have, too; refers to the strings above, so a definition is never copied.
    engine::WorkloadSpec spec;
    std::vector<engine::Parameter> spec_parameters;

    Definition() = default;
    Definition(const Definition&) = delete;
    Definition& operator=(const Definition&) = delete;

    bool service() const { return !server.empty(); }
    const Words& measured() const { return service() ? server : command; }
    bool threaded() const { return spec.threaded; } // takes a number of threads
};

using Shared = std::shared_ptr<const Definition>;

// "app:NAME" of faultline's own folder, "app:FILE.toml" of the user's, looked for in `directory` when it is relative.
// Errors: usage (unknown name, with the nearest), no_input, data (file and line of a mistake).
Result<Shared> find(std::string_view text, const std::filesystem::path& directory, std::string_view where);

Result<Shared> parse(std::string_view toml, const std::filesystem::path& file);

// Of faultline's own folder, by name.
struct Listed {
    std::string name; // "app:sqlite3"
    Result<Shared> definition;
};
std::vector<Listed> list();

// nullopt: everything is installed. Else what is missing and how to get it, in one line.
std::optional<std::string> why_missing(const Definition& definition);

// PATH of the program: what the definition adds, then the system's folders alone, so that no user's shim is measured.
std::string path_variable(const Definition& definition);

// Where PATH finds it, or "" when nowhere; a name with a slash is itself.
std::string locate(const std::string& program, const std::string& path);

} // namespace faultline::apps
