// Who answers the malloc family in this process, and what the allocators in it say of themselves.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace faultline::worker {

// Symbol and the real path of the object that answers it, "" when absent: dlsym(RTLD_DEFAULT), then dladdr.
// Operators of C++ stand under their plain names ("operator new").
std::vector<std::pair<std::string, std::string>> resolved_symbols();

// {"resolved": {...}, "versions": {...}} as one line of JSON. Versions are what each library's own function
// returns, unchanged ("mi_version": "209"); a function that is not there is left out.
std::string identity();

} // namespace faultline::worker
