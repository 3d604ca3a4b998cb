#include "allocators/registry/registry.hpp"

#include "allocators/registry/identify.hpp"
#include "allocators/registry/search.hpp"
#include "base/layout.hpp"
#include "base/sha256.hpp"
#ifdef FAULTLINE_HAVE_LIBELF
#include "allocators/registry/elf.hpp"
#endif

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <dlfcn.h>
#include <fmt/format.h>
#include <gnu/libc-version.h>
#include <numeric>
#include <optional>
#include <unistd.h>

namespace faultline::registry {
namespace fs = std::filesystem;
namespace {

constexpr std::chrono::seconds identify_time_out{10};
constexpr const char* list_remedy = "see `faultline list allocators`";

// Levenshtein's distance, one row at a time.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), 0);
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i + 1);
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t substituted = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({substituted, row[j] + 1, diagonal + 1});
        }
    }
    return row[b.size()];
}

tl::unexpected<Error> unknown_name(std::string_view name) {
    const auto known = known_allocators();
    const auto nearest = std::min_element(known.begin(), known.end(), [&](const Known& a, const Known& b) {
        return edit_distance(name, a.name) < edit_distance(name, b.name);
    });
    std::string remedy = list_remedy;
    if (edit_distance(name, nearest->name) <= std::max<std::size_t>(2, name.size() / 3)) {
        remedy = fmt::format("did you mean \"{}\"? {}", nearest->name, list_remedy);
    }
    if (name.find('/') != std::string_view::npos) {
        remedy = fmt::format("for a library of your own write NAME=PATH: mine={}", name);
    }
    return fail(Exit::usage, "", fmt::format("unknown allocator \"{}\"", name), std::move(remedy));
}

// libc as this very process has it mapped: the one every worker gets when nothing is preloaded.
Result<fs::path> libc_path() {
    Dl_info info{};
    std::error_code error;
    if (::dladdr(reinterpret_cast<const void*>(&::gnu_get_libc_version), &info) == 0 ||
        info.dli_fname == nullptr) {
        return fail(Exit::os, "system", "cannot tell which file libc is loaded from");
    }
    fs::path path = fs::canonical(info.dli_fname, error);
    if (error) {
        return fail_errno(Exit::os, info.dli_fname, "cannot resolve", error.value());
    }
    return path;
}

Result<fs::path> locate(const Known& known) {
    if (known.origin == Origin::libc) {
        return libc_path();
    }
    const bool own = known.origin == Origin::faultline;
    const auto directories = own ? std::vector<fs::path>{layout::libraries()} : library_directories();
    if (auto path = search(known.candidates, directories)) {
        return *path;
    }
    if (own) {
        return fail(Exit::unavailable, std::string(known.name),
                    fmt::format("{} is not in {}", known.candidates.front(), layout::libraries().string()),
                    "build or install all of faultline");
    }
    return fail(Exit::unavailable, std::string(known.name), "is not installed",
                fmt::format("apt install {}, or name a file: {}=/path/to/library.so", known.debian_package,
                            known.name));
}

// A file the user named. The loader splits LD_PRELOAD at spaces and colons and has no way to quote them.
Result<fs::path> locate_file(const fs::path& given) {
    std::error_code error;
    const fs::path path = fs::canonical(given, error);
    if (error) {
        return fail_errno(Exit::no_input, given.string(), "cannot find the library", error.value(),
                          "check the path");
    }
    if (!fs::is_regular_file(path, error)) {
        return fail(Exit::no_input, given.string(), "is not a file", "name a shared library (.so)");
    }
    if (::access(path.c_str(), R_OK) != 0) {
        return fail_errno(Exit::no_input, given.string(), "cannot read the library", errno,
                          "check its permissions");
    }
    if (path.string().find_first_of(" :") != std::string::npos) {
        return fail(Exit::data, path.string(), "LD_PRELOAD cannot carry a path with a space or a colon",
                    "copy the library to a path without them");
    }
    return path;
}

struct VersionFunction {
    const char* key;    // in the worker's answer
    const char* source; // as reports print it
};
constexpr VersionFunction version_functions[] = {
    {"mallctl", "mallctl(\"version\")"},
    {"mi_version", "mi_version()"},
    {"tc_version", "tc_version()"},
    {"sb_version", "sb_version()"},
};

// mi_version() is one number: 209 is 2.0.9.
std::string readable_version(const char* key, const std::string& said) {
    const bool number = said.size() == 3 && std::all_of(said.begin(), said.end(), ::isdigit);
    return std::string_view(key) == "mi_version" && number
               ? fmt::format("{}.{}.{}", said[0], said[1], said[2])
               : said;
}

// What the path says where the library says nothing: "libx.so.2.8", or the version directory of a compiler's
// runtime.
std::string version_in_path(const fs::path& path) {
    const std::string name = path.filename().string();
    if (const auto so = name.rfind(".so."); so != std::string::npos) {
        return name.substr(so + 4);
    }
    std::string version;
    for (auto part = path.begin(); part != path.end(); ++part) {
        if (*part == "clang" && std::next(part) != path.end()) {
            version = std::next(part)->string();
        }
    }
    return version;
}

void set_version(Allocator& allocator, const Identity& identity) {
    const auto said = [&](const char* key) {
        const auto found = identity.versions.find(key);
        return found == identity.versions.end() ? std::string() : found->second;
    };
    if (!allocator.preload) {
        allocator.version = said("gnu_get_libc_version");
        allocator.version_source = "gnu_get_libc_version()";
        return;
    }
    for (const VersionFunction& function : version_functions) {
        if (const std::string version = said(function.key); !version.empty()) {
            allocator.version = readable_version(function.key, version);
            allocator.version_source = function.source;
            return;
        }
    }
    allocator.version = version_in_path(allocator.path);
    allocator.version_source = allocator.version.empty() ? "" : "path";
}

Result<Allocator> examine(std::string name, const fs::path& path, bool preload) {
    Allocator allocator{std::move(name), path, preload, "", "", ""};
    if (preload) {
#ifdef FAULTLINE_HAVE_LIBELF
        if (auto sound = check_elf(path); !sound) {
            return tl::unexpected(sound.error());
        }
#endif
    }
    const auto identity = identify(layout::worker(), preload ? path : fs::path(), identify_time_out);
    if (!identity) {
        return tl::unexpected(identity.error());
    }
    for (const auto& [symbol, answered_by] : identity->resolved) {
        if (std::string wrong = judge_resolution(allocator, symbol, answered_by); !wrong.empty()) {
            if (!identity->diagnostics.empty()) {
                wrong += fmt::format(" (the loader said: {})", identity->diagnostics);
            }
            return fail(Exit::data, path.string(), std::move(wrong),
                        "it must replace the whole malloc family");
        }
    }
    set_version(allocator, *identity);
    auto hash = sha256_of_file(path);
    if (!hash) {
        return tl::unexpected(hash.error());
    }
    allocator.sha256 = std::move(*hash);
    return allocator;
}

Result<Allocator> find_known(const Known& known, std::string_view name) {
    return locate(known).and_then(
        [&](const fs::path& path) { return examine(std::string(name), path, known.origin != Origin::libc); });
}

const Known* known_by(std::string_view name) {
    const auto known = known_allocators();
    const auto row = std::find_if(known.begin(), known.end(), [&](const Known& k) { return k.name == name; });
    return row == known.end() ? nullptr : &*row;
}

bool well_formed_name(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-' || c == '+';
    });
}

bool same_file(const fs::path& a, std::string_view b) {
    std::error_code error;
    return a == b || fs::equivalent(a, b, error);
}

// libstdc++'s and libc++'s operator new and delete call malloc and free: the allocator gets the memory all
// the same.
bool is_cxx_runtime(std::string_view path) {
    const std::string name = fs::path(path).filename().string();
    return name.starts_with("libstdc++.") || name.starts_with("libc++.") || name.starts_with("libc++abi.");
}

} // namespace

Result<Allocator> find(std::string_view user_text) {
    const auto equals = user_text.find('=');
    if (equals == std::string_view::npos) {
        const Known* known = known_by(user_text);
        return known == nullptr ? unknown_name(user_text) : find_known(*known, known->name);
    }
    const std::string_view name = user_text.substr(0, equals);
    if (!well_formed_name(name)) {
        return fail(Exit::usage, "", fmt::format("\"{}\" is not a name for an allocator", name),
                    "use letters, digits and ._+- before the =");
    }
    if (name == "system" || name == "null") {
        return fail(Exit::usage, "", fmt::format("the name \"{}\" is taken: reports compare with it", name),
                    "choose another before the =");
    }
    const std::string_view target = user_text.substr(equals + 1);
    std::error_code error;
    if (const Known* known = known_by(target); known != nullptr && !fs::exists(target, error)) {
        return find_known(*known,
                          name); // another name for it: two arms of one allocator show the noise alone
    }
    return locate_file(target).and_then(
        [&](const fs::path& path) { return examine(std::string(name), path, true); });
}

std::vector<Listed> list_all() {
    std::vector<Listed> all;
    for (const Known& known : known_allocators()) {
        all.push_back({&known, find_known(known, known.name)});
    }
    return all;
}

std::string judge_resolution(const Allocator& allocator, std::string_view symbol,
                             std::string_view resolved_path) {
    if (resolved_path.empty()) {
        return fmt::format("{} is answered by nobody", symbol);
    }
    if (same_file(allocator.path, resolved_path) ||
        (symbol.starts_with("operator ") && is_cxx_runtime(resolved_path))) {
        return "";
    }
    return fmt::format("{} is answered by {}, not by {}", symbol, resolved_path, allocator.path.string());
}

} // namespace faultline::registry
