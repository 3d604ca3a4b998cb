#include "harness/cli/dispatch.hpp"

#include "base/layout.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace faultline::cli {
namespace {

constexpr std::string_view prefix = "faultline-";

std::vector<char*> argument_pointers(const std::string& program, const std::vector<std::string>& arguments) {
    std::vector<char*> argv{const_cast<char*>(program.c_str())}; // exec does not write to them
    for (const std::string& argument : arguments) {
        argv.push_back(const_cast<char*>(argument.c_str()));
    }
    argv.push_back(nullptr);
    return argv;
}

} // namespace

std::vector<std::string> external_commands() {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(layout::subcommands(), error)) {
        const std::string name = entry.path().filename().string();
        if (name.starts_with(prefix) && ::access(entry.path().c_str(), X_OK) == 0) {
            names.push_back(name.substr(prefix.size()));
        }
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::string external_summary(const std::string& name) {
    std::ifstream file(layout::subcommands() / (std::string(prefix) + name));
    const std::string head = "# " + std::string(prefix) + name + ": ";
    std::string line;
    for (int number = 0; number < 2 && std::getline(file, line); ++number) {
        if (line.starts_with(head)) {
            return line.substr(head.size());
        }
    }
    return "";
}

std::optional<std::filesystem::path> find_external(std::string_view name) {
    if (name.empty() || name.find('/') != std::string_view::npos) {
        return std::nullopt;
    }
    const std::string file = std::string(prefix) + std::string(name);
    std::vector<std::filesystem::path> places{layout::subcommands()};
    const char* path = std::getenv("PATH");
    std::string_view rest(path != nullptr ? path : "");
    while (!rest.empty()) {
        const std::size_t colon = rest.find(':');
        places.emplace_back(rest.substr(0, colon));
        rest.remove_prefix(colon == std::string_view::npos ? rest.size() : colon + 1);
    }
    for (const auto& place : places) {
        std::error_code error;
        if (std::filesystem::is_regular_file(place / file, error) &&
            ::access((place / file).c_str(), X_OK) == 0) {
            return place / file;
        }
    }
    return std::nullopt;
}

Error become_external(const std::filesystem::path& program, const std::vector<std::string>& arguments) {
    const std::string name = program.string();
    ::execv(name.c_str(), argument_pointers(name, arguments).data());
    return fail_errno(Exit::unavailable, name, "cannot run", errno).value();
}

Result<int> run_external(std::string_view name, const std::vector<std::string>& arguments) {
    const auto program = find_external(name);
    if (!program) {
        return fail(Exit::unavailable, std::string(prefix) + std::string(name), "is not installed",
                    "install faultline's Python part, or build the whole tree");
    }
    const std::string path = program->string();
    pid_t pid = 0;
    const int error = ::posix_spawn(&pid, path.c_str(), nullptr, nullptr,
                                    argument_pointers(path, arguments).data(), environ);
    if (error != 0) {
        return fail_errno(Exit::unavailable, path, "cannot run", error);
    }
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

} // namespace faultline::cli
