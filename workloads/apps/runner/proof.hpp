// Proof of load: what the witness wrote from inside each program that was executed, and which programs it never spoke
// from.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace faultline::apps {

struct Testimony {
    std::string program;                         // the file that was executed
    std::map<std::string, std::string> resolved; // symbol to the real path of who answers it
    bool operator==(const Testimony&) const = default;
};

// Equal ones once, in the order in which they came. Lines that are no testimony are skipped.
std::vector<Testimony> read_testimonies(std::string_view text);

// Programs that ran and of which there is no testimony, each with the likely reason: "/bin/x: it is linked statically".
std::vector<std::string> unproved(const std::set<std::string>& programs,
                                  const std::vector<Testimony>& testimonies);

} // namespace faultline::apps
