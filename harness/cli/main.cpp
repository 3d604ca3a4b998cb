// The program `faultline`: finds the command, lets CLI11 read its options, runs it.
#include "harness/cli/command.hpp"
#include "harness/cli/dispatch.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace faultline::cli {
namespace {

bool built_in(std::string_view name) {
    const auto all = commands();
    return std::any_of(all.begin(), all.end(),
                       [name](const Command& command) { return name == command.name; });
}

// CLI11's messages end in hints of several lines; ours are one line.
std::string one_line(std::string text) {
    text.erase(std::min(text.find('\n'), text.size()));
    return text;
}

// `status`, unless what was printed did not arrive: a table on a full disk is not a success.
int written(int status) {
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) {
        return status;
    }
    return report({Exit::io, "standard output", "cannot be written: " + std::string(std::strerror(errno)),
                   "free some space, or send it elsewhere"});
}

int run(int argc, char** argv) {
    const std::string first = argc > 1 ? argv[1] : "";
    if (!first.empty() && first[0] != '-' && !built_in(first)) {
        if (const auto program = find_external(first)) {
            return report(become_external(*program, std::vector<std::string>(argv + 2, argv + argc)));
        }
        return report({Exit::usage, first, "no such command", "see `faultline --help`"});
    }
    CLI::App app("faultline: benchmarks and stress tests for memory allocators on Linux", "faultline");
    Action action;
    build(app, action);
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& success) { // --help, --version
        return app.exit(success);
    } catch (const CLI::ParseError& error) {
        const std::string command = built_in(first) ? "faultline " + first : "faultline";
        return report({Exit::usage, "", one_line(error.what()), "see `" + command + " --help`"});
    }
    if (!action) {
        std::fputs(app.help().c_str(), stdout);
        return static_cast<int>(Exit::usage);
    }
    return written(action());
}

} // namespace
} // namespace faultline::cli

int main(int argc, char** argv) {
    try {
        return faultline::cli::run(argc, argv);
    } catch (const std::exception& unexpected) {
        return faultline::cli::report(
            {faultline::Exit::software, "", unexpected.what(), "this is a bug; please report it"});
    }
}
