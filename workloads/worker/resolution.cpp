#include "workloads/worker/resolution.hpp"

#include "workloads/engine/object.hpp"

#include <dlfcn.h>
#include <nlohmann/json.hpp>

namespace faultline::worker {

namespace {

struct Symbol {
    const char* name;    // as reports say
    const char* mangled; // as the linker knows it
};
constexpr Symbol symbols[] = {
    {"malloc", "malloc"},
    {"free", "free"},
    {"calloc", "calloc"},
    {"realloc", "realloc"},
    {"memalign", "memalign"},
    {"aligned_alloc", "aligned_alloc"},
    {"posix_memalign", "posix_memalign"},
    {"operator new", "_Znwm"},
    {"operator delete", "_ZdlPv"},
};

template <typename Function>
Function function(const char* name) {
    return reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, name));
}

// A function without arguments that returns a string or a number.
void ask_text(nlohmann::ordered_json& versions, const char* name) {
    if (const auto call = function<const char* (*)()>(name))
        if (const char* text = call())
            versions[name] = text;
}
void ask_number(nlohmann::ordered_json& versions, const char* name) {
    if (const auto call = function<int (*)()>(name))
        versions[name] = std::to_string(call());
}

} // namespace

std::vector<std::pair<std::string, std::string>> resolved_symbols() {
    std::vector<std::pair<std::string, std::string>> found;
    for (const Symbol& symbol : symbols)
        found.emplace_back(symbol.name, engine::object_of(dlsym(RTLD_DEFAULT, symbol.mangled)));
    return found;
}

std::string identity() {
    nlohmann::ordered_json resolved = nlohmann::ordered_json::object();
    for (const auto& [symbol, path] : resolved_symbols())
        resolved[symbol] = path;
    nlohmann::ordered_json versions = nlohmann::ordered_json::object();
    using Mallctl = int (*)(const char*, void*, std::size_t*, void*, std::size_t);
    if (const auto mallctl = function<Mallctl>("mallctl")) {
        const char* text = nullptr;
        std::size_t bytes = sizeof text;
        if (mallctl("version", static_cast<void*>(&text), &bytes, nullptr, 0) == 0 && text != nullptr)
            versions["mallctl"] = text;
    }
    ask_number(versions, "mi_version");
    using TcVersion = const char* (*)(int*, int*, const char**);
    if (const auto tc_version = function<TcVersion>("tc_version"))
        if (const char* text = tc_version(nullptr, nullptr, nullptr))
            versions["tc_version"] = text;
    ask_text(versions, "TBB_runtime_version");
    ask_number(versions, "TBB_runtime_interface_version");
    ask_text(versions, "gnu_get_libc_version");
    ask_text(versions, "sb_version");
    nlohmann::ordered_json all;
    all["resolved"] = std::move(resolved);
    all["versions"] = std::move(versions);
    return all.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

} // namespace faultline::worker
