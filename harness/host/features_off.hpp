// What this build had to leave out because a library was missing when it was configured.
#pragma once

#include <string>
#include <vector>

namespace faultline::host {

struct FeatureOff {
    std::string what;
    std::string package; // Debian's, to install before configuring again
};
std::vector<FeatureOff> features_off();

} // namespace faultline::host
