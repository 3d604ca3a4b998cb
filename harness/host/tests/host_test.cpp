#include "harness/host/tree.hpp"

#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <set>

namespace fs = std::filesystem;
using faultline::host::DoctorFinding;
using faultline::host::Tree;

class HostTest : public testing::Test {
  protected:
    HostTest() {
        char name[] = "/tmp/faultline-host-test-XXXXXX";
        directory_ = ::mkdtemp(name);
    }
    ~HostTest() override { fs::remove_all(directory_); }

    void file(const std::string& name, const std::string& content) {
        fs::create_directories((directory_ / name).parent_path());
        std::ofstream(directory_ / name) << content;
    }

    // A quiet bare-metal machine with 2 CPUs and 8 GiB.
    void quiet_host() {
        file("proc/loadavg", "0.05 0.02 0.00 1/100 1234\n");
        for (const char* resource : {"cpu", "memory", "io"}) {
            file(std::string("proc/pressure/") + resource,
                 "some avg10=0.00 avg60=9.00 avg300=0.00 total=1\n");
        }
        file("proc/stat", "cpu  1000 0 1000 100000 0 0 0 1 0 0\n");
        file("proc/meminfo",
             "MemTotal: 8388608 kB\nMemAvailable: 6291456 kB\nSwapTotal: 1024 kB\nSwapFree: 1024 kB\n");
        file("proc/cpuinfo", "processor\t: 0\nmodel name\t: Some CPU\nflags\t\t: fpu tsc\n\n"
                             "processor\t: 1\nmodel name\t: Some CPU\nflags\t\t: fpu tsc\n");
        file("proc/uptime", "100000.0 1.0\n");
        file("proc/cmdline", "quiet mitigations=off\n");
        file("proc/sys/kernel/osrelease", "6.1.0\n");
        file("proc/sys/kernel/hostname", "box\n");
        file("proc/sys/kernel/randomize_va_space", "2\n");
        file("proc/sys/kernel/perf_event_paranoid", "-1\n");
        file("proc/sys/kernel/core_pattern", "core\n");
        file("proc/sys/vm/swappiness", "60\n");
        file("proc/sys/vm/overcommit_memory", "0\n");
        file("proc/self/cgroup", "0::/user.slice\n");
        file("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n");
        file("sys/devices/system/cpu/intel_pstate/no_turbo", "1\n");
        file("sys/devices/system/cpu/smt/active", "0\n");
        file("sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n");
        file("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
        file("etc/os-release", "NAME=Some\nPRETTY_NAME=\"Some Linux 1\"\n");
    }

    std::map<std::string, DoctorFinding> findings() const {
        std::map<std::string, DoctorFinding> by_id;
        for (const DoctorFinding& finding : faultline::host::check_noise(tree())) {
            EXPECT_TRUE(by_id.emplace(finding.id, finding).second) << finding.id;
        }
        return by_id;
    }
    Tree tree() const { return Tree(directory_); }

    fs::path directory_;
};

TEST_F(HostTest, QuietHostHasNoWarnings) {
    quiet_host();
    for (const auto& [id, finding] : findings()) {
        EXPECT_EQ(finding.status, "ok") << id << ": " << finding.what;
        EXPECT_EQ(finding.remedy, "") << id;
    }
}

TEST_F(HostTest, EveryDisturbanceIsOneWarningWithItsRemedy) {
    struct Disturbance {
        const char* id;
        const char* path;
        const char* content;
    };
    const Disturbance disturbances[] = {
        {"load", "proc/loadavg", "1.50 0.02 0.00 1/100 1234\n"},
        {"pressure", "proc/pressure/io", "some avg10=12.00 avg60=0.00 avg300=0.00 total=1\n"},
        {"steal", "proc/stat", "cpu  1000 0 1000 100000 0 0 0 9000 0 0\n"},
        {"governor", "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n"},
        {"turbo", "sys/devices/system/cpu/intel_pstate/no_turbo", "0\n"},
        {"smt", "sys/devices/system/cpu/smt/active", "1\n"},
        {"virtualization", "sys/hypervisor/type", "xen\n"},
        {"clocksource", "sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n"},
        {"thp", "sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n"},
        {"aslr", "proc/sys/kernel/randomize_va_space", "0\n"},
        {"swap", "proc/meminfo",
         "MemTotal: 8388608 kB\nMemAvailable: 6291456 kB\nSwapTotal: 9216 kB\nSwapFree: 1024 kB\n"},
        {"memory", "proc/meminfo",
         "MemTotal: 8388608 kB\nMemAvailable: 1291456 kB\nSwapTotal: 1024 kB\nSwapFree: 1024 kB\n"},
        {"cgroup", "sys/fs/cgroup/user.slice/cpu.max", "50000 100000\n"},
        {"core_pattern", "proc/sys/kernel/core_pattern", "|/usr/lib/systemd/systemd-coredump %P\n"},
        {"uptime", "proc/uptime", "42.0 1.0\n"},
    };
    for (const Disturbance& disturbance : disturbances) {
        quiet_host();
        file(disturbance.path, disturbance.content);
        for (const auto& [id, finding] : findings()) {
            EXPECT_EQ(finding.status, id == disturbance.id ? "warn" : "ok")
                << disturbance.id << ": " << finding.what;
            EXPECT_EQ(finding.remedy.empty(), id != disturbance.id) << disturbance.id;
        }
        fs::remove_all(directory_);
    }
}

TEST_F(HostTest, TooLittleMemoryFails) {
    quiet_host();
    file("proc/meminfo", "MemTotal: 8388608 kB\nMemAvailable: 100000 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n");
    EXPECT_EQ(findings()["memory"].status, "fail");
}

TEST_F(HostTest, WhatCannotBeSeenIsSaidAndIsNoWarning) {
    for (const auto& [id, finding] : findings()) {
        EXPECT_EQ(finding.status, id == "perf_paranoid" ? "warn" : "ok") << id << ": " << finding.what;
    }
    EXPECT_EQ(findings()["governor"].what, "the CPU frequency governor cannot be seen from here");
}

TEST_F(HostTest, FingerprintHangsOnWhatDecidesAndNotOnTheHour) {
    quiet_host();
    const std::string before = faultline::host::facts(tree())["fingerprint"];
    EXPECT_EQ(before.size(), 64U);
    file("proc/loadavg", "1.50 0.02 0.00 1/100 1234\n");
    file("proc/uptime", "200000.0 1.0\n");
    file("proc/meminfo",
         "MemTotal: 8388500 kB\nMemAvailable: 1 kB\n"); // some pages less, as after another boot
    EXPECT_EQ(faultline::host::facts(tree())["fingerprint"], before);
    file("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
    EXPECT_NE(faultline::host::facts(tree())["fingerprint"], before);
}

TEST_F(HostTest, FactsAreThoseOfTheTree) {
    quiet_host();
    const auto facts = faultline::host::facts(tree());
    EXPECT_EQ(facts["deciding"]["kernel"], "6.1.0");
    EXPECT_EQ(facts["deciding"]["cpu_model"], "Some CPU");
    EXPECT_EQ(facts["deciding"]["cpus"], 2);
    EXPECT_EQ(facts["deciding"]["memory_bytes"], 8589934592U);
    EXPECT_EQ(facts["deciding"]["thp"], "madvise");
    EXPECT_EQ(facts["deciding"]["thp_defrag"], nullptr);
    EXPECT_EQ(facts["deciding"]["mitigations"], "off");
    EXPECT_EQ(facts["load_average"], nlohmann::json({0.05, 0.02, 0.0}));
    EXPECT_EQ(facts["swap_bytes"], 1048576U);
    EXPECT_EQ(facts["virtualization"], "none");
    EXPECT_EQ(facts["distribution"], "Some Linux 1");
}

TEST_F(HostTest, AvailableMemoryIsWhatTheTightestGroupLeaves) {
    quiet_host();
    EXPECT_EQ(faultline::host::available_memory_bytes(tree()), 6442450944U);
    file("proc/self/cgroup", "0::/a/b\n");
    file("sys/fs/cgroup/a/memory.max", "1000000\n"); // the parent's limit holds for the child, too
    file("sys/fs/cgroup/a/memory.current", "500000\n");
    file("sys/fs/cgroup/a/memory.stat", "anon 1\ninactive_file 100000\n");
    file("sys/fs/cgroup/a/b/memory.max", "max\n");
    EXPECT_EQ(faultline::host::available_memory_bytes(tree()), 600000U);
}

TEST_F(HostTest, VersionOneGroupsLimitToo) {
    quiet_host();
    file("proc/self/cgroup", "4:memory:/docker/x\n1:cpu,cpuacct:/\n0::/\n");
    file("sys/fs/cgroup/memory/memory.limit_in_bytes",
         "2000000\n"); // the container sees its own group as the root
    file("sys/fs/cgroup/memory/memory.usage_in_bytes", "500000\n");
    file("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "150000\n");
    file("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
    const auto limits = faultline::host::cgroup_limits(tree());
    EXPECT_EQ(limits.memory_bytes, 2000000U);
    EXPECT_EQ(limits.left_bytes, 1500000U);
    EXPECT_DOUBLE_EQ(limits.cpus.value_or(0), 1.5);
    file("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    file("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
    EXPECT_EQ(faultline::host::cgroup_limits(tree()).memory_bytes, std::nullopt);
    EXPECT_EQ(faultline::host::cgroup_limits(tree()).cpus, std::nullopt);
}

TEST(Doctor, FindsOutAboutThisHostWithUniqueIdsAndARemedyForEachWarning) {
    std::set<std::string> ids;
    for (const DoctorFinding& finding : faultline::host::doctor()) {
        EXPECT_TRUE(ids.insert(finding.id).second) << finding.id;
        EXPECT_TRUE(finding.status == "ok" || finding.status == "warn" || finding.status == "fail")
            << finding.id;
        EXPECT_FALSE(finding.what.empty()) << finding.id;
        EXPECT_EQ(finding.remedy.empty(), finding.status == "ok") << finding.id;
    }
    for (const char* id : {"load", "build", "allocator.system", "python", "disk", "probe.faults.procfs"}) {
        EXPECT_TRUE(ids.contains(id)) << id;
    }
}
