#include "allocators/registry/search.hpp"

#include <algorithm>
#include <cstring>
#include <glob.h>
#include <string>

namespace faultline::registry {
namespace fs = std::filesystem;

namespace {

#if defined(__x86_64__)
constexpr const char* multiarch = "x86_64-linux-gnu";
#elif defined(__aarch64__)
constexpr const char* multiarch = "aarch64-linux-gnu";
#elif defined(__riscv) && __riscv_xlen == 64
constexpr const char* multiarch = "riscv64-linux-gnu";
#elif defined(__powerpc64__)
constexpr const char* multiarch = "powerpc64le-linux-gnu";
#else
constexpr const char* multiarch = "*-linux-gnu*"; // the ELF check refuses another machine's
#endif

} // namespace

std::vector<fs::path> library_directories() {
    return {"/usr/local/lib64",
            "/usr/local/lib",
            fs::path("/usr/local/lib") / multiarch,
            fs::path("/usr/lib") / multiarch,
            fs::path("/lib") / multiarch,
            "/usr/lib64",
            "/lib64",
            "/usr/lib",
            "/lib"};
}

std::optional<fs::path> search(std::span<const std::string_view> patterns,
                               std::span<const fs::path> directories) {
    for (const std::string_view pattern : patterns) {
        for (const fs::path& directory : directories) {
            glob_t found{};
            const std::string full = (directory / pattern).string();
            std::vector<std::string> matches;
            if (::glob(full.c_str(), GLOB_NOSORT, nullptr, &found) == 0) {
                matches.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
            }
            ::globfree(&found);
            const auto highest = std::max_element(matches.begin(), matches.end(),
                                                  [](const std::string& a, const std::string& b) {
                                                      return ::strverscmp(a.c_str(), b.c_str()) < 0;
                                                  });
            if (highest != matches.end()) {
                std::error_code error;
                fs::path resolved = fs::canonical(*highest, error);
                if (!error) {
                    return resolved;
                }
            }
        }
    }
    return std::nullopt;
}

} // namespace faultline::registry
