#include "harness/cli/invocation.hpp"

#include "base/file.hpp"

#include <algorithm>
#include <sys/random.h>

namespace faultline::cli {

std::vector<std::string> own_command() {
    std::vector<std::string> words;
    std::string text = read_file("/proc/self/cmdline").value_or("faultline");
    for (std::size_t start = 0; start < text.size();) {
        const std::size_t end = std::min(text.find('\0', start), text.size());
        words.push_back(text.substr(start, end - start));
        start = end + 1;
    }
    return words;
}

std::uint64_t random_seed() {
    std::uint32_t seed = 0;
    return ::getrandom(&seed, sizeof seed, 0) == sizeof seed ? seed : 1;
}

Result<process::Variables> parse_environment(const std::vector<std::string>& settings) {
    process::Variables variables;
    for (const std::string& setting : settings) {
        const std::size_t equals = setting.find('=');
        if (equals == 0 || equals == std::string::npos) {
            return fail(Exit::usage, "--env " + setting, "is not NAME=VALUE",
                        "write for example --env MALLOC_ARENA_MAX=2");
        }
        if (setting.starts_with("LD_PRELOAD=")) {
            return fail(Exit::usage, "--env LD_PRELOAD", "is how the allocator under test is loaded",
                        "name the library with -a NAME=path.so");
        }
        variables[setting.substr(0, equals)] = setting.substr(equals + 1);
    }
    return variables;
}

} // namespace faultline::cli
