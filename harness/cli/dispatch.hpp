// Commands that are programs of their own, as git has them: `faultline NAME ...` runs `faultline-NAME ...`
// from libexec/faultline beside the program, else from PATH.
#pragma once

#include "base/error.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace faultline::cli {

// The names in libexec/faultline, sorted.
std::vector<std::string> external_commands();

// What such a program says of itself: the rest of its second line where that begins with "# faultline-NAME: ", as the
// launchers of the Python commands have it; "" where it is no script, or does not say.
std::string external_summary(const std::string& name);

std::optional<std::filesystem::path> find_external(std::string_view name);

// Becomes that program; returns only when that fails.
Error become_external(const std::filesystem::path& program, const std::vector<std::string>& arguments);

// Runs it as a child and waits: its exit status.
Result<int> run_external(std::string_view name, const std::vector<std::string>& arguments);

} // namespace faultline::cli
