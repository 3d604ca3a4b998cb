#include "harness/stress/promises.hpp"

#include "workloads/stress/catalog.hpp"

#include <algorithm>

namespace faultline::stress {
namespace {

struct Promise {
    std::string_view allocator;
    const char* check; // a pattern
};

// From each allocator's own documentation; for the project's, allocators/slabuddy/README.md. The programs of this catalogue
// write nothing to a block between its two frees, so the default library finds all of them too.
constexpr Promise promises[] = {
    {"slabuddy", "misuse.double-free-*"},
    {"slabuddy", "misuse.free-*"},
    {"slabuddy", "misuse.realloc-of-freed-*"},
    {"slabuddy", "misuse.usable-size-of-freed"},
    {"slabuddy-checked", "misuse.double-free-*"},
    {"slabuddy-checked", "misuse.free-*"},
    {"slabuddy-checked", "misuse.realloc-of-freed-*"},
    {"slabuddy-checked", "misuse.usable-size-of-freed"},
    {"slabuddy", "faults.*"},
    {"slabuddy-checked", "faults.*"},
};

} // namespace

bool promises_to_stop(std::string_view allocator, std::string_view misuse,
                      const std::vector<std::string>& required) {
    return std::any_of(std::begin(promises), std::end(promises),
                       [&](const Promise& promise) {
                           return promise.allocator == allocator && means(promise.check, misuse);
                       }) ||
           std::any_of(required.begin(), required.end(),
                       [&](const std::string& pattern) { return means(pattern, misuse); });
}

} // namespace faultline::stress
