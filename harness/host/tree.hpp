// The files in which a host describes itself, below a root: "/" or, in tests, a directory made up for the
// purpose.
#pragma once

#include "harness/host/host.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace faultline::host {

class Tree {
  public:
    explicit Tree(std::filesystem::path root = "/") : root_(std::move(root)) {}

    // Paths are relative to the root: "proc/loadavg". A file that is not there, or cannot be read, is absent.
    std::optional<std::string> text(const std::filesystem::path& path) const;
    std::optional<std::string> line(const std::filesystem::path& path) const; // the first, without its end
    std::optional<std::uint64_t>
    number(const std::filesystem::path& path) const; // the first line, all digits
    bool exists(const std::filesystem::path& path) const;

    // "always [madvise] never": the word in brackets.
    std::optional<std::string> chosen(const std::filesystem::path& path) const;
    // A line of /proc/meminfo, in bytes.
    std::optional<std::uint64_t> meminfo_bytes(std::string_view key) const;
    // The first "key : value" line of /proc/cpuinfo.
    std::optional<std::string> cpuinfo(std::string_view key) const;
    unsigned cpus() const; // online; at least 1

  private:
    std::filesystem::path root_;
};

// "none", "virtual machine", "container (docker)", "virtual machine, container (docker)", as far as it shows.
std::string virtualization(const Tree& tree);

nlohmann::json facts(const Tree& tree);
std::uint64_t available_memory_bytes(const Tree& tree);

// What of the host disturbs measurements: one finding for each check, in a fixed order.
std::vector<DoctorFinding> check_noise(const Tree& tree);

// The tightest limits of the control groups this process is in, v1 or v2.
struct CgroupLimits {
    std::optional<std::uint64_t> memory_bytes; // absent: no limit
    std::optional<std::uint64_t>
        left_bytes;             // what that limit leaves, counting reclaimable file pages as free
    std::optional<double> cpus; // CPU quota
};
CgroupLimits cgroup_limits(const Tree& tree);

} // namespace faultline::host
