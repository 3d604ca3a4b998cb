// Numbers of the kernel as people read them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace faultline::probes::bpf {

// "GFP_HIGHUSER_MOVABLE|ZERO" from flags, with `bits` as the running kernel numbers them ({bit, "MOVABLE"}).
// The kernel's own combinations are named first; a bit without a name, or all when there are no names, is
// given in hexadecimal.
std::string gfp_name(std::uint32_t flags, const std::vector<std::pair<unsigned, std::string>>& bits);

// "movable" for enum migratetype's 1.
std::string migratetype_name(unsigned type);

// "DONTNEED" for madvise's 4.
std::string advice_name(unsigned advice);

// The kernel's functions by address, from /proc/kallsyms, which shows addresses to the privileged only.
class KernelSymbols {
  public:
    static KernelSymbols read();
    explicit KernelSymbols(std::map<std::uint64_t, std::string> functions)
        : functions_(std::move(functions)) {}
    std::string function_at(std::uint64_t address) const; // "?" when not known

  private:
    std::map<std::uint64_t, std::string> functions_;
};

} // namespace faultline::probes::bpf
