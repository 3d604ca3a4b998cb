// Every workload there is, and the way from what a user writes to one of them with its parameters. The
// harness links this for the specifications (names, parameters, costs); only a worker runs one.
#pragma once

#include "workloads/engine/workload.hpp"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace faultline {

// In the order in which they are listed to users.
std::span<const engine::WorkloadSpec* const> catalog();

struct Selection {
    const engine::WorkloadSpec* spec;
    std::optional<unsigned> threads; // as written; nullopt: whoever runs it decides
    std::map<std::string, std::string, std::less<>> given;
};

// Reads NAME[:key=value[,key=value...]], where NAME is a catalogued name as it stands ("larsonN", "pair") or
// with a number for its N ("larson8"), and `threads` is a key like any other. Values are not checked here:
// `resolve` does, with what else the caller adds to `given`. Fails with `usage`, naming the nearest known
// name; `where` goes in front.
Result<Selection> select_workload(std::string_view text, std::string_view where);

// The part behind the name alone, for a specification that is found elsewhere: key=value[,key=value...].
Result<Selection> with_parameters(Selection selection, std::string_view list, std::string_view text,
                                  std::string_view where);

} // namespace faultline
