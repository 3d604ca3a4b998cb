#include "workloads/stress/ordeal/options.hpp"

namespace faultline::stress {

OrdealOptions OrdealOptions::for_worker() const {
    OrdealOptions told = *this;
    told.preload.clear();
    told.artifacts.clear();
    told.trace.clear();
    return told;
}

std::vector<std::string> OrdealOptions::arguments(const std::string& role) const {
    std::vector<std::string> all = {role,
                                    "--seed=" + std::to_string(seed),
                                    "--seconds=" + std::to_string(seconds),
                                    "--repeat=" + std::to_string(repeat),
                                    "--episode=" + std::to_string(episode),
                                    "--report-fd=" + std::to_string(report_fd)};
    if (in_free_order) {
        all.emplace_back("--free");
    }
    for (const auto& [name, value] :
         {std::pair("--preload=", &preload), std::pair("--artifacts=", &artifacts),
          std::pair("--trace=", &trace), std::pair("--variant=", &variant)}) {
        if (!value->empty()) {
            all.push_back(name + *value);
        }
    }
    return all;
}

} // namespace faultline::stress
