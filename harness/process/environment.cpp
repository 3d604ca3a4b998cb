#include "harness/process/environment.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <string_view>

namespace faultline::process {
namespace {

constexpr std::string_view needed[] = {"PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH"};

// Prefixes of the tuning variables of every allocator in the registry, by their own documentation.
constexpr std::string_view tuning_prefixes[] = {
    "MALLOC_",     "_RJEM_MALLOC_", "JE_MALLOC_", "GLIBC_TUNABLES", "MIMALLOC_", "TCMALLOC_", "HEAP",
    "TBB_MALLOC_", "SCUDO_",        "SLABUDDY_",  "NULLMALLOC_",    "RPMALLOC_", "SNMALLOC_"};

bool passed_on(std::string_view name) {
    return std::find(std::begin(needed), std::end(needed), name) != std::end(needed) ||
           std::any_of(std::begin(tuning_prefixes), std::end(tuning_prefixes),
                       [name](std::string_view prefix) { return name.starts_with(prefix); });
}

} // namespace

Variables inherited(const char* const* environ, const Variables& extra) {
    Variables variables;
    for (; environ != nullptr && *environ != nullptr; ++environ) {
        const std::string_view entry(*environ);
        const std::size_t equals = entry.find('=');
        if (equals != std::string_view::npos && passed_on(entry.substr(0, equals))) {
            variables.emplace(entry.substr(0, equals), entry.substr(equals + 1));
        }
    }
    for (const auto& [name, value] : extra) {
        variables[name] = value;
    }
    return variables;
}

std::vector<std::string> worker_environment(const Variables& variables, const std::filesystem::path& preload,
                                            unsigned padding) {
    std::vector<std::string> environment;
    for (const auto& [name, value] : variables) {
        environment.push_back(fmt::format("{}={}", name, value));
    }
    environment.push_back("LC_ALL=C.UTF-8");
    if (!preload.empty()) {
        environment.push_back("LD_PRELOAD=" + preload.string());
    }
    environment.push_back("FAULTLINE_PADDING=" + std::string(padding, 'x'));
    return environment;
}

} // namespace faultline::process
