// Many checks on many allocators, one after the other: each check on every allocator before the next.
#pragma once

#include "harness/stress/findings.hpp"

#include <optional>

namespace faultline::stress {

struct Plan {
    std::vector<const Check*> checks;
    std::vector<registry::Allocator> allocators;
    registry::Allocator reference;        // the C library's: what results that must agree are compared with
    std::uint64_t seed = 1;               // every check's, on every allocator
    std::optional<unsigned> seconds;      // of every timed check; nullopt: each its own
    std::vector<std::string> required;    // misuses that every allocator must stop
    std::vector<std::string> to_be_tried; // checks that count as broken where they cannot be tried
    std::vector<Finding> findings;        // what is known of named versions
    bool accept_known = false;            // what is known does not fail
    std::filesystem::path artifacts;      // each allocator gets a folder in it; "": leave nothing
    std::filesystem::path trace;          // for the checks that replay one; "": none
};

struct CheckResult {
    std::size_t check; // of the plan
    std::size_t allocator;
    Task task;
    Observed seen;
    Judged judged;
    std::optional<std::size_t> finding = {}; // of the plan: what this is known as

    bool is_new() const { return judged.verdict == Verdict::broken && !finding; }
};

// Told what happens, for progress.
class Observer {
  public:
    virtual ~Observer() = default;
    virtual void check_starts(const Plan& plan, std::size_t check, std::size_t allocator) = 0;
    virtual void check_ended(const Plan& plan, const CheckResult& result) = 0;
};

struct Campaign {
    std::vector<CheckResult> results; // in the plan's order: check by check, allocator by allocator
    bool stopped = false;             // by the user: what ran before is here
};

// That the campaign has not held: it is broken, and known does not excuse it.
inline bool fails(const Plan& plan, const CheckResult& result) {
    return result.judged.verdict == Verdict::broken && !(plan.accept_known && result.finding);
}

Result<Campaign> run_campaign(const Plan& plan, const Settings& settings, Observer& observer);

} // namespace faultline::stress
