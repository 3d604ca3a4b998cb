#include "base/layout.hpp"

#include <cstdlib>
#include <string>
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
std::filesystem::path libraries() {
    return prefix() / "lib";
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

std::filesystem::path cache() {
    if (const char* xdg = std::getenv("XDG_CACHE_HOME"); xdg != nullptr && *xdg == '/') {
        return std::filesystem::path(xdg) / "faultline";
    }
    if (const char* home = std::getenv("HOME");
        home != nullptr && *home == '/' && ::access(home, W_OK) == 0) {
        return std::filesystem::path(home) / ".cache" / "faultline";
    }
    return "/tmp/faultline-cache-" + std::to_string(::getuid());
}

} // namespace faultline::layout
