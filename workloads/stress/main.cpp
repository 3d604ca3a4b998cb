// `faultline-check NAME`: runs one check in this process, on whatever malloc it has.
#include "workloads/engine/object.hpp"
#include "workloads/stress/catalog.hpp"
#include "workloads/stress/conformance/early.hpp"
#include "workloads/stress/voice.hpp"
#include "workloads/stress/voice_setup.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <getopt.h>

using namespace faultline;

namespace {

constexpr const char* usage =
    "usage: faultline-check NAME [--seed=N] [--seconds=N] [--artifacts=DIR] [--trace=FILE] [--report-fd=N] | "
    "--list\n"
    "Runs one check in this process and prints what it finds. `faultline stress` runs many, each with an "
    "allocator\n"
    "preloaded.\n\n"
    "Example: LD_PRELOAD=./libmine.so faultline-check conformance.calloc-zero-after-reuse\n";

constexpr option long_options[] = {{"seed", required_argument, nullptr, 's'},
                                   {"seconds", required_argument, nullptr, 't'},
                                   {"artifacts", required_argument, nullptr, 'a'},
                                   {"trace", required_argument, nullptr, 'T'},
                                   {"report-fd", required_argument, nullptr, 'r'},
                                   {"list", no_argument, nullptr, 'l'},
                                   {"help", no_argument, nullptr, 'h'},
                                   {nullptr, 0, nullptr, 0}};

// Before every other constructor of the program; those of its libraries have run.
[[gnu::constructor(101)]] void before_main() {
    stress::conformance::allocate_before_main();
}

} // namespace

int main(int argc, char** argv) {
    stress::Task task;
    bool seconds_given = false;
    for (int which = 0; (which = ::getopt_long(argc, argv, "h", long_options, nullptr)) != -1;) {
        switch (which) {
        case 's':
            task.seed = std::strtoull(optarg, nullptr, 10);
            break;
        case 't':
            task.seconds = static_cast<unsigned>(std::strtoul(optarg, nullptr, 10));
            seconds_given = true;
            break;
        case 'a':
            task.artifacts = optarg;
            break;
        case 'T':
            task.trace = optarg;
            break;
        case 'r':
            stress::set_report_fd(std::atoi(optarg));
            break;
        case 'l':
            for (const stress::Check* check : stress::all_checks()) {
                std::printf("%s\n", std::string(check->name).c_str());
            }
            return 0;
        case 'h':
            std::fputs(usage, stdout);
            return 0;
        default:
            std::fputs(usage, stderr);
            return stress::status_usage;
        }
    }
    const stress::Check* check = optind + 1 == argc ? stress::find_check(argv[optind]) : nullptr;
    if (check == nullptr) {
        std::fputs(optind + 1 == argc ? "faultline-check: there is no such check; see --list\n" : usage,
                   stderr);
        return stress::status_usage;
    }
    if (!seconds_given) {
        task.seconds = check->seconds;
    }
    stress::say_loaded(engine::object_of(::dlsym(RTLD_DEFAULT, "malloc")).c_str());
    check->run(task);
    if (!stress::end_is_postponed()) {
        stress::say_end();
    }
    return 0;
}
