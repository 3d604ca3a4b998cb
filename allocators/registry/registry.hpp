// Names to shared objects. Finds the allocators a user may name on the usual distributions' paths, checks a
// library before anything loads it (ELF architecture, exported symbols), and reads its version from the
// library itself, in a child process that has it preloaded.
#pragma once

#include "base/error.hpp"

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace faultline::registry {

// Whose library a known allocator is: decides where it is looked for and what the remedy says when it is not
// there.
enum class Origin {
    libc,         // the one this process runs on: never preloaded
    faultline,    // built with faultline, in its lib directory
    distribution, // a package
};

// A row of the table in known.cpp. A new allocator is one new row.
struct Known {
    std::string_view name;
    std::string_view summary;
    std::span<const std::string_view>
        candidates;                  // file names or glob patterns, searched in library_directories()
    std::string_view debian_package; // how to get it
    std::string_view homepage;
    Origin origin = Origin::distribution;
    bool compared = true; // part of "all": an allocator for use, neither a debugging aid nor the floor
};
std::span<const Known> known_allocators();

// An allocator that can be run: what a trial preloads, and what reports print.
struct Allocator {
    std::string name; // "jemalloc", or the NAME of NAME=path.so
    std::filesystem::path
        path; // the file to preload, absolute, links resolved; for `system` libc itself (not preloaded)
    bool preload = true;        // false for `system`
    std::string version;        // as the library itself says; "" when it says nothing
    std::string version_source; // "mallctl(\"version\")", "mi_version()", "path", ...
    std::string sha256;         // of the file, hex
};

// Resolves what the user wrote: a known name, NAME=path.so, or NAME=known (the same under another name, for a
// control). Errors, each with a remedy: unknown name (with
// the nearest known one), not installed (with the package), missing, unreadable, not ELF, other architecture,
// no malloc.
Result<Allocator> find(std::string_view user_text);

// For `faultline list allocators`: every known one, found or with the error that says why not.
struct Listed {
    const Known* known;
    Result<Allocator> allocator;
};
std::vector<Listed> list_all();

// The symbols a worker reports (see workloads/engine/protocol.hpp) judged against the allocator: an empty
// string when every call of the malloc family is answered by it, else one line that says which is not and by
// whom.
std::string judge_resolution(const Allocator& allocator, std::string_view symbol,
                             std::string_view resolved_path);

} // namespace faultline::registry
