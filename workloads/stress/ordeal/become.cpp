#include "workloads/stress/ordeal/become.hpp"

#include "workloads/stress/voice.hpp"
#include "workloads/stress/voice_setup.hpp"

#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

namespace faultline::stress {
namespace {

// Beside the program that runs.
bool find_program(char (&path)[PATH_MAX]) {
    const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path - 1);
    if (length <= 0) {
        return false;
    }
    path[length] = '\0';
    char* slash = std::strrchr(path, '/');
    constexpr char name[] = "/faultline-ordeal";
    if (slash == nullptr || static_cast<std::size_t>(slash - path) + sizeof name > sizeof path) {
        return false;
    }
    std::memcpy(slash, name, sizeof name);
    return true;
}

} // namespace

// No memory is taken from the heap: it is the one under test, and it may be broken.
void become_supervisor(const char* role, const char* variant, const Task& task) {
    static char program[PATH_MAX];
    static char preload[PATH_MAX + 16];
    static char artifacts[PATH_MAX + 16];
    static char trace[PATH_MAX + 16];
    static char words[4][64];
    const char* library = std::getenv("LD_PRELOAD");
    std::snprintf(preload, sizeof preload, "--preload=%s", library != nullptr ? library : "");
    std::snprintf(artifacts, sizeof artifacts, "--artifacts=%s", task.artifacts.c_str());
    std::snprintf(trace, sizeof trace, "--trace=%s", task.trace.c_str());
    std::snprintf(words[0], sizeof words[0], "--seed=%llu", static_cast<unsigned long long>(task.seed));
    std::snprintf(words[1], sizeof words[1], "--seconds=%u", task.seconds);
    std::snprintf(words[2], sizeof words[2], "--report-fd=%d", report_fd());
    std::snprintf(words[3], sizeof words[3], "--variant=%s", variant);
    static char name[64];
    std::snprintf(name, sizeof name, "%s", role);
    static char self[] = "faultline-ordeal";
    char* const arguments[] = {self,     name,     preload,  artifacts, trace,
                               words[0], words[1], words[2], words[3],  nullptr};
    static char* environment[4096];
    std::size_t used = 0;
    for (char** entry = environ; *entry != nullptr && used + 1 < std::size(environment); ++entry) {
        if (std::strncmp(*entry, "LD_PRELOAD=", 11) != 0) {
            environment[used++] = *entry;
        }
    }
    if (find_program(program)) {
        ::execve(program, arguments, environment);
    }
    skip("the program faultline-ordeal cannot be run: build or install it beside faultline-check");
}

} // namespace faultline::stress
