// A command of the program: one file, one line in commands.cpp. `add` describes its options to CLI11 and
// leaves in `action` what is to be done when the user chose it; `action` returns the exit status.
#pragma once

#include "base/error.hpp"

#include <CLI/CLI.hpp>
#include <functional>
#include <span>

namespace faultline::cli {

using Action = std::function<int()>;

struct Command {
    const char* name;
    void (*add)(CLI::App& app, Action& action);
};
std::span<const Command> commands();

// The whole program's options, without parsing anything: for main, completion and the tests.
void build(CLI::App& app, Action& action);

// Prints "faultline: <error's line>" on standard error and returns its exit status.
int report(const Error& error);

} // namespace faultline::cli
