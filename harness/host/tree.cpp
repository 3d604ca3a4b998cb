#include "harness/host/tree.hpp"

#include "base/file.hpp"
#include "kernel-probes/procfs/parse.hpp"

#include <algorithm>
#include <sstream>

namespace faultline::host {
namespace {

std::string_view trimmed(std::string_view text) {
    const auto begin = text.find_first_not_of(" \t");
    return begin == std::string_view::npos ? ""
                                           : text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

} // namespace

std::optional<std::string> Tree::text(const std::filesystem::path& path) const {
    auto content = read_file(root_ / path);
    return content ? std::optional(std::move(*content)) : std::nullopt;
}

std::optional<std::string> Tree::line(const std::filesystem::path& path) const {
    auto content = text(path);
    if (content) {
        content->resize(std::min(content->find('\n'), content->size()));
    }
    return content;
}

std::optional<std::uint64_t> Tree::number(const std::filesystem::path& path) const {
    const auto content = line(path);
    return content ? probes::procfs::nth_number(*content, 0) : std::nullopt;
}

bool Tree::exists(const std::filesystem::path& path) const {
    std::error_code error;
    return std::filesystem::exists(root_ / path, error);
}

std::optional<std::string> Tree::chosen(const std::filesystem::path& path) const {
    const auto content = line(path);
    if (!content) {
        return std::nullopt;
    }
    const auto begin = content->find('[');
    const auto end = content->find(']');
    return begin != std::string::npos && end != std::string::npos && begin < end
               ? std::optional(content->substr(begin + 1, end - begin - 1))
               : std::nullopt;
}

std::optional<std::uint64_t> Tree::meminfo_bytes(std::string_view key) const {
    const auto kib = probes::procfs::field(text("proc/meminfo").value_or(""), key);
    return kib ? std::optional(*kib * 1024) : std::nullopt;
}

std::optional<std::string> Tree::cpuinfo(std::string_view key) const {
    std::istringstream lines(text("proc/cpuinfo").value_or(""));
    for (std::string line; std::getline(lines, line);) {
        const auto colon = line.find(':');
        if (colon != std::string::npos && trimmed(std::string_view(line).substr(0, colon)) == key) {
            return std::string(trimmed(std::string_view(line).substr(colon + 1)));
        }
    }
    return std::nullopt;
}

unsigned Tree::cpus() const {
    unsigned count = 0;
    std::istringstream lines(text("proc/cpuinfo").value_or(""));
    for (std::string line; std::getline(lines, line);) {
        count += line.starts_with("processor") ? 1 : 0;
    }
    return std::max(count, 1U);
}

std::string virtualization(const Tree& tree) {
    std::string out;
    const std::string flags = " " + tree.cpuinfo("flags").value_or("") + " ";
    const auto hypervisor = tree.line("sys/hypervisor/type");
    const std::string product = tree.line("sys/class/dmi/id/sys_vendor").value_or("");
    const bool known_vendor = product == "QEMU" || product == "VMware, Inc." || product == "Amazon EC2";
    if (flags.find(" hypervisor ") != std::string::npos || hypervisor || known_vendor) {
        out = "virtual machine";
    }
    const char* container = tree.exists(".dockerenv")          ? "docker"
                            : tree.exists("run/.containerenv") ? "podman"
                            : tree.exists("dev/lxd")           ? "lxc"
                                                               : nullptr;
    if (container != nullptr) {
        out += out.empty() ? "" : ", ";
        out += std::string("container (") + container + ")";
    }
    return out.empty() ? "none" : out;
}

} // namespace faultline::host
