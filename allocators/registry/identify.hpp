// Asks a library what it is: starts `faultline-worker --identify` with it preloaded and reads the answer. A
// library that crashes, hangs, or never loads harms only that child.
#pragma once

#include "base/error.hpp"

#include <chrono>
#include <filesystem>
#include <map>
#include <string>

namespace faultline::registry {

struct Identity {
    std::map<std::string, std::string>
        resolved; // "malloc", "operator new", ... -> the object that answers it; "" absent
    std::map<std::string, std::string> versions; // "mallctl", "mi_version", ... -> what it said
    std::string diagnostics; // first line of standard error: the loader's complaint, if any
};

// `preload` empty: nothing is preloaded. Errors: `unavailable` (the worker cannot be started), `data` (the
// child crashed, timed out, or its answer is not the JSON promised), each with `where` = the library.
Result<Identity> identify(const std::filesystem::path& worker, const std::filesystem::path& preload,
                          std::chrono::milliseconds time_out);

} // namespace faultline::registry
