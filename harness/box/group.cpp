#include "harness/box/group.hpp"

#include "base/fd.hpp"
#include "base/file.hpp"

#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <sstream>
#include <unistd.h>

namespace faultline::box {
namespace {

namespace fs = std::filesystem;

// This process's group in /proc/self/cgroup: of version 1 in the line with `controller`, of version 2 in the
// one that begins with "0::".
std::optional<fs::path> own_group(const fs::path& root, std::string_view controller) {
    std::istringstream lines(read_file(root / "proc/self/cgroup").value_or(""));
    for (std::string line; std::getline(lines, line);) {
        const std::size_t first = line.find(':');
        const std::size_t second = line.find(':', first + 1);
        if (second == std::string::npos) {
            continue;
        }
        const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
        const bool unified = controllers == ",,";
        if (controller.empty() ? unified
                               : controllers.find("," + std::string(controller) + ",") != std::string::npos) {
            return fs::path(line.substr(second + 1)).relative_path();
        }
    }
    return std::nullopt;
}

bool has_word(const std::string& text, std::string_view word) {
    std::istringstream words(text);
    for (std::string each; words >> each;) {
        if (each == word) {
            return true;
        }
    }
    return false;
}

Result<void> write_value(const fs::path& file, const std::string& value) {
    const Fd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd || ::write(fd.get(), value.data(), value.size()) != static_cast<ssize_t>(value.size())) {
        return fail_errno(Exit::unavailable, file.string(), "cannot write " + value, errno,
                          "run as root, outside containers that share the host's control groups read-only");
    }
    return {};
}

} // namespace

Result<Hierarchy> find_hierarchy(const fs::path& root) {
    std::error_code error;
    const fs::path v1 = root / "sys/fs/cgroup/memory";
    if (fs::exists(v1 / "memory.limit_in_bytes", error)) {
        const fs::path own = v1 / own_group(root, "memory").value_or("");
        return Hierarchy{fs::exists(own / "memory.limit_in_bytes", error) ? own : v1, 1};
    }
    // A group with processes in it cannot have children with limits: the nearest above it that can.
    for (const char* mount : {"sys/fs/cgroup", "sys/fs/cgroup/unified"}) {
        fs::path at = own_group(root, "").value_or("");
        for (bool top = false; !top; at = at.parent_path()) {
            top = at.empty();
            const fs::path group = root / mount / at;
            if (has_word(read_file(group / "cgroup.subtree_control").value_or(""), "memory")) {
                return Hierarchy{group, 2};
            }
        }
    }
    return fail(Exit::unavailable, "--swap", "no control group here hands out memory limits",
                "mount one; with version 2: echo +memory > /sys/fs/cgroup/cgroup.subtree_control");
}

Result<void> limit_group(const fs::path& group, int version, std::uint64_t limit_bytes, bool swap) {
    const std::string limit = std::to_string(limit_bytes);
    if (version == 2) {
        if (auto set = write_value(group / "memory.max", limit); !set) {
            return set;
        }
        std::error_code
            error; // without swap accounting there is no such file, and a host without swap needs none
        return swap || !fs::exists(group / "memory.swap.max", error)
                   ? Result<void>()
                   : write_value(group / "memory.swap.max", "0");
    }
    if (auto set = write_value(group / "memory.limit_in_bytes", limit); !set) {
        return set;
    }
    return write_value(group / "memory.swappiness", swap ? "100" : "0");
}

} // namespace faultline::box
