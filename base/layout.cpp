#include "base/layout.hpp"

#include <cstdlib>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace faultline::layout {
namespace {

std::filesystem::path find_prefix() {
    std::error_code error;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
    if (error) {
        return "/usr"; // no /proc: assume the installed layout
    }
    return program.parent_path().parent_path();
}

} // namespace

const std::filesystem::path& prefix() {
    static const std::filesystem::path found = find_prefix();
    return found;
}

std::filesystem::path worker() {
    return prefix() / "bin" / "faultline-worker";
}
std::filesystem::path checker() {
    return prefix() / "bin" / "faultline-check";
}
std::filesystem::path app_runner() {
    return prefix() / "bin" / "faultline-app";
}
std::filesystem::path libraries() {
    std::error_code error;
    const auto installed = prefix() / "lib" / "faultline";
    return std::filesystem::is_directory(installed, error) ? installed : prefix() / "lib";
}
std::filesystem::path subcommands() {
    return prefix() / "libexec" / "faultline";
}
std::filesystem::path suites() {
    return prefix() / "share" / "faultline" / "suites";
}
std::filesystem::path traces() {
    return prefix() / "share" / "faultline" / "traces";
}
std::filesystem::path profiles() {
    return prefix() / "share" / "faultline" / "profiles";
}
std::filesystem::path apps() {
    return prefix() / "share" / "faultline" / "apps";
}
std::filesystem::path findings() {
    return prefix() / "share" / "faultline" / "findings" / "known.toml";
}

std::filesystem::path cache() {
    if (const char* xdg = std::getenv("XDG_CACHE_HOME"); xdg != nullptr && *xdg == '/') {
        return std::filesystem::path(xdg) / "faultline";
    }
    if (const char* home = std::getenv("HOME");
        home != nullptr && *home == '/' && ::access(home, W_OK) == 0) {
        return std::filesystem::path(home) / ".cache" / "faultline";
    }
    // A name that others can guess in a folder that others can write to: ours alone, or not at all.
    const std::string shared = "/tmp/faultline-cache-" + std::to_string(::getuid());
    ::mkdir(shared.c_str(), 0700);
    struct stat status {};
    const bool ours = ::lstat(shared.c_str(), &status) == 0 && S_ISDIR(status.st_mode) &&
                      status.st_uid == ::geteuid() && (status.st_mode & 0022) == 0;
    return ours ? shared : shared + "-" + std::to_string(::getpid());
}

} // namespace faultline::layout
