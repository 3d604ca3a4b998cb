// `faultline-ordeal`: the checks that need a supervisor. `faultline-check` becomes this program, without the allocator
// under test, which starts itself again with it, as a worker; so what watches, injects, shrinks and writes never stands
// on the heap that is under test.
#include "workloads/stress/differential/differential.hpp"
#include "workloads/stress/faults/fill.hpp"
#include "workloads/stress/faults/reuse.hpp"
#include "workloads/stress/faults/script.hpp"
#include "workloads/stress/faults/supervise.hpp"
#include "workloads/stress/ordeal/options.hpp"
#include "workloads/stress/ordeal/pulse.hpp"
#include "workloads/stress/ordeal/spawn.hpp"
#include "workloads/stress/ordeal/watch_over.hpp"
#include "workloads/stress/random/episodes.hpp"
#include "workloads/stress/random/supervise.hpp"
#include "workloads/stress/soak/soak.hpp"
#include "workloads/stress/voice.hpp"
#include "workloads/stress/voice_setup.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <getopt.h>

using namespace faultline;

namespace {

void work_episodes(const stress::OrdealOptions& options) {
    run_episodes(stress::process_calls(), options, stress::map_pulse(stress::pulse_fd));
}
void work_plan(const stress::OrdealOptions& options) {
    run_plan(stress::process_calls(), options, stress::map_pulse(stress::pulse_fd), stress::plan_fd_number);
}
void work_script(const stress::OrdealOptions& /*options*/) {
    run_script(stress::process_heap, stress::map_pulse(stress::pulse_fd));
}
void work_limit(const stress::OrdealOptions& options) {
    run_at_limit(options, stress::map_pulse(stress::pulse_fd));
}
void work_reuse(const stress::OrdealOptions& options) {
    run_reuse(options, stress::map_pulse(stress::pulse_fd));
}
void work_fill(const stress::OrdealOptions& options) {
    run_fill(options, stress::map_pulse(stress::pulse_fd));
}
void work_soak(const stress::OrdealOptions& options) {
    if (!run_soak(stress::process_heap, options, stress::map_pulse(stress::pulse_fd))) {
        stress::skip("%u s were too short to look for a leak", options.seconds);
    }
}
void work_differential(const stress::OrdealOptions& options) {
    run_differential(options, stress::map_pulse(stress::pulse_fd), -1);
}
void work_differential_trace(const stress::OrdealOptions& options) {
    run_differential(options, stress::map_pulse(stress::pulse_fd), stress::plan_fd_number);
}
void limit(const stress::OrdealOptions& options) {
    stress::watch_over("work-limit", options);
}
void soak(const stress::OrdealOptions& options) {
    stress::watch_over("work-soak", options);
}

struct Role {
    const char* name;
    void (*run)(const stress::OrdealOptions& options);
    bool is_worker; // of a supervisor, which says the end
};
constexpr Role roles[] = {
    {"random", stress::supervise_random, false},
    {"replay", stress::supervise_replay, false},
    {"faults", stress::supervise_faults, false},
    {"delays", stress::supervise_delays, false},
    {"limit", limit, false},
    {"cgroup", stress::supervise_cgroup, false},
    {"out-of-memory", stress::supervise_out_of_memory, false},
    {"soak", soak, false},
    {"differential", stress::supervise_differential, false},
    {"work-episodes", work_episodes, true},
    {"work-plan", work_plan, true},
    {"work-script", work_script, true},
    {"work-limit", work_limit, true},
    {"work-reuse", work_reuse, true},
    {"work-fill", work_fill, true},
    {"work-soak", work_soak, true},
    {"work-differential", work_differential, true},
    {"work-differential-trace", work_differential_trace, true},
};

constexpr const char* usage =
    "usage: faultline-ordeal ROLE [--preload=LIBRARY] [--seed=N] [--seconds=N] [--trace=FILE] "
    "[--artifacts=DIR]\n"
    "Supervises a check that needs it; `faultline stress` and `faultline-check` start it.\n\n"
    "Example: faultline-ordeal random --preload=./libmine.so --seconds=60 --artifacts=/tmp/failures\n";

constexpr option long_options[] = {{"seed", required_argument, nullptr, 's'},
                                   {"seconds", required_argument, nullptr, 't'},
                                   {"repeat", required_argument, nullptr, 'n'},
                                   {"episode", required_argument, nullptr, 'e'},
                                   {"report-fd", required_argument, nullptr, 'r'},
                                   {"preload", required_argument, nullptr, 'p'},
                                   {"artifacts", required_argument, nullptr, 'a'},
                                   {"trace", required_argument, nullptr, 'T'},
                                   {"variant", required_argument, nullptr, 'v'},
                                   {"free", no_argument, nullptr, 'f'},
                                   {"help", no_argument, nullptr, 'h'},
                                   {nullptr, 0, nullptr, 0}};

bool parse(int argc, char** argv, stress::OrdealOptions& options) {
    for (int which = 0; (which = ::getopt_long(argc, argv, "h", long_options, nullptr)) != -1;) {
        switch (which) {
        case 's':
            options.seed = std::strtoull(optarg, nullptr, 10);
            break;
        case 't':
            options.seconds = static_cast<unsigned>(std::strtoul(optarg, nullptr, 10));
            break;
        case 'n':
            options.repeat = static_cast<unsigned>(std::strtoul(optarg, nullptr, 10));
            break;
        case 'e':
            options.episode = std::strtoull(optarg, nullptr, 10);
            break;
        case 'r':
            options.report_fd = static_cast<int>(std::strtol(optarg, nullptr, 10));
            break;
        case 'p':
            options.preload = optarg;
            break;
        case 'a':
            options.artifacts = optarg;
            break;
        case 'T':
            options.trace = optarg;
            break;
        case 'v':
            options.variant = optarg;
            break;
        case 'f':
            options.in_free_order = true;
            break;
        case 'h':
            std::fputs(usage, stdout);
            std::exit(0);
        default:
            return false;
        }
    }
    return optind + 1 == argc;
}

const Role* find_role(const char* name) {
    for (const Role& role : roles) {
        if (std::strcmp(role.name, name) == 0) {
            return &role;
        }
    }
    return nullptr;
}

} // namespace

int main(int argc, char** argv) {
    stress::OrdealOptions options;
    const Role* role = parse(argc, argv, options) ? find_role(argv[optind]) : nullptr;
    if (role == nullptr) {
        std::fputs(usage, stderr);
        return stress::status_usage;
    }
    stress::set_report_fd(options.report_fd);
    role->run(options);
    if (!role->is_worker) {
        stress::say_end();
    }
    return 0;
}
