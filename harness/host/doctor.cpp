#include "allocators/registry/registry.hpp"
#include "harness/host/features_off.hpp"
#include "harness/host/tree.hpp"
#include "kernel-probes/probe.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fmt/format.h>
#include <memory>
#include <sstream>
#include <string_view>
#include <sys/statvfs.h>

namespace faultline::host {
namespace {

constexpr double mib = 1 << 20;
constexpr double least_disk_mib = 1024;
constexpr double no_disk_mib = 64; // a large run's document would not fit

void check_build(std::vector<DoctorFinding>& findings) {
    std::string what;
#ifndef __OPTIMIZE__
    what = "faultline was built without optimisation";
#endif
    if (constexpr std::string_view sanitizer = FAULTLINE_SANITIZE; !sanitizer.empty()) {
        what = fmt::format("faultline was built with the {} sanitizer", sanitizer);
    }
    findings.push_back(what.empty() ? DoctorFinding{"build", "ok", "an optimised build", ""}
                                    : DoctorFinding{"build", "warn", what, "cmake --preset release"});
    for (const FeatureOff& feature : features_off()) {
        findings.push_back({"feature." + feature.package, "warn", feature.what + " is off in this build",
                            "install " + feature.package + " and build again"});
    }
}

// Without the system's malloc there is nothing to run on, without the floor no cost of the harness; the
// others are the user's choice.
void check_allocators(std::vector<DoctorFinding>& findings) {
    for (const registry::Listed& listed : registry::list_all()) {
        const std::string id = fmt::format("allocator.{}", listed.known->name);
        if (listed.allocator) {
            findings.push_back(
                {id, "ok", fmt::format("{} {}", listed.allocator->path.string(), listed.allocator->version),
                 ""});
            continue;
        }
        const bool needed = listed.known->name == "system" || listed.known->name == "null";
        const Error& error = listed.allocator.error();
        findings.push_back({id, needed ? "fail" : "warn", error.what, error.remedy});
    }
}

// The modules that a Python lacks, the system's first, since another on PATH often lacks Debian's packages.
void check_python(std::vector<DoctorFinding>& findings) {
    constexpr const char* command =
        "for python in /usr/bin/python3 python3; do \"$python\" -I -c 'import importlib.util\n"
        "print(*[m for m in (\"numpy\", \"matplotlib\", \"jinja2\") if importlib.util.find_spec(m) is "
        "None])\n"
        "print(\"asked\")' 2>/dev/null && break; done";
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen(command, "re"), ::pclose);
    std::string answer;
    std::array<char, 256> buffer{};
    while (pipe && std::fgets(buffer.data(), buffer.size(), pipe.get()) != nullptr) {
        answer += buffer.data();
    }
    if (answer.find("asked\n") == std::string::npos) {
        findings.push_back({"python", "warn", "python3 is not installed: no reports", "apt install python3"});
        return;
    }
    std::istringstream words(answer.substr(0, answer.find('\n')));
    std::string lacks;
    std::string packages;
    for (std::string module; words >> module;) {
        lacks += (lacks.empty() ? "" : ", ") + module;
        packages += " python3-" + module;
    }
    findings.push_back(lacks.empty() ? DoctorFinding{"python", "ok", "Python has what reports need", ""}
                                     : DoctorFinding{"python", "warn", "no reports: Python lacks " + lacks,
                                                     "apt install" + packages});
}

void check_disk(std::vector<DoctorFinding>& findings) {
    struct statvfs status {};
    if (::statvfs(".", &status) != 0) {
        findings.push_back({"disk", "warn",
                            fmt::format("the disk here cannot be asked: {}", strerrordesc_np(errno)),
                            "choose another place with -o"});
        return;
    }
    const double free = static_cast<double>(status.f_bavail) * static_cast<double>(status.f_frsize) / mib;
    std::string what = fmt::format("{:.0f} MiB free in the current directory", free);
    if (free >= least_disk_mib) {
        findings.push_back({"disk", "ok", std::move(what), ""});
    } else {
        findings.push_back({"disk", free < no_disk_mib ? "fail" : "warn", std::move(what),
                            "make room, or choose another place with -o"});
    }
}

void check_probes(std::vector<DoctorFinding>& findings) {
    const auto probes = probes::make_probes(std::vector<std::string>{"all"});
    if (!probes) {
        findings.push_back({"probes", "fail", probes.error().what, probes.error().remedy});
        return;
    }
    for (const auto& probe : *probes) {
        for (const probes::Capability& capability : probe->check()) {
            const auto metrics = probe->metrics();
            const auto count =
                std::count_if(metrics.begin(), metrics.end(),
                              [&](const probes::Metric& metric) { return metric.group == capability.group; });
            const bool good = capability.status == probes::Status::ok;
            findings.push_back(
                {fmt::format("probe.{}.{}", capability.group, capability.layer), good ? "ok" : "warn",
                 good ? fmt::format("{} metrics", count) : capability.reason, capability.remedy});
        }
    }
}

} // namespace

std::vector<DoctorFinding> doctor() {
    std::vector<DoctorFinding> findings = check_noise(Tree());
    check_build(findings);
    check_allocators(findings);
    check_python(findings);
    check_disk(findings);
    check_probes(findings);
    return findings;
}

} // namespace faultline::host
