#include "workloads/stress/catalog.hpp"

#include "workloads/engine/nearest.hpp"
#include "workloads/stress/conformance/tables.hpp"
#include "workloads/stress/differential/tables.hpp"
#include "workloads/stress/faults/tables.hpp"
#include "workloads/stress/misuse/tables.hpp"
#include "workloads/stress/random/tables.hpp"
#include "workloads/stress/soak/tables.hpp"

#include <algorithm>
#include <fnmatch.h>

namespace faultline::stress {
namespace {

// One line for each file of checks.
constexpr std::span<const Check> (*tables[])() = {
    conformance::family_checks,
    conformance::block_checks,
    conformance::too_large_checks,
    conformance::realloc_checks,
    conformance::alignment_checks,
    conformance::cxx_checks,
    conformance::lifetime_checks,
    conformance::thread_checks,
    conformance::address_space_checks,
    misuse::double_free_checks,
    misuse::wrong_pointer_checks,
    misuse::overflow_checks,
    misuse::after_free_checks,
    misuse::mismatch_checks,
    random::random_checks,
    faults::fault_checks,
    soak::soak_checks,
    differential::differential_checks,
};

std::string_view stem(std::string_view name) {
    return name.substr(0, name.find('.'));
}

} // namespace

std::string_view kind_name(Kind kind) {
    switch (kind) {
    case Kind::conformance:
        return "conformance";
    case Kind::misuse:
        return "misuse";
    case Kind::random:
        return "random";
    case Kind::faults:
        return "faults";
    case Kind::soak:
        return "soak";
    case Kind::differential:
        return "differential";
    }
    return "";
}

Kind Check::kind() const {
    return *std::find_if(std::begin(kinds), std::end(kinds) - 1,
                         [this](Kind kind) { return kind_name(kind) == stem(name); });
}

std::vector<const Check*> all_checks() {
    std::vector<const Check*> all;
    for (const auto table : tables) {
        for (const Check& check : table()) {
            all.push_back(&check);
        }
    }
    return all;
}

const Check* find_check(std::string_view name) {
    const auto all = all_checks();
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const Check* check) { return check->name == name; });
    return found == all.end() ? nullptr : *found;
}

bool means(const std::string& pattern, std::string_view name) {
    return pattern == stem(name) || ::fnmatch(pattern.c_str(), std::string(name).c_str(), 0) == 0;
}

Result<std::vector<const Check*>> select_checks(const std::vector<std::string>& patterns) {
    const auto all = all_checks();
    std::vector<const Check*> chosen;
    const auto wanted = [&](const Check* check) {
        return patterns.empty() ||
               std::any_of(patterns.begin(), patterns.end(),
                           [&](const std::string& pattern) { return means(pattern, check->name); });
    };
    std::copy_if(all.begin(), all.end(), std::back_inserter(chosen), wanted);
    for (const std::string& pattern : patterns) {
        if (std::none_of(all.begin(), all.end(),
                         [&](const Check* check) { return means(pattern, check->name); })) {
            std::vector<std::string_view> names;
            names.reserve(all.size());
            for (const Check* check : all) {
                names.push_back(check->name);
            }
            const std::string_view meant = engine::nearest(pattern, names);
            return fail(Exit::usage, "--only " + pattern, "no check is named so",
                        meant.empty()
                            ? "see `faultline stress --list`"
                            : "did you mean \"" + std::string(meant) + "\"? See `faultline stress --list`");
        }
    }
    return chosen;
}

} // namespace faultline::stress
