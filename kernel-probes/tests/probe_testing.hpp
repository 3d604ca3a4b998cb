// What the layers' tests share: a probe on a known child, and the figure it gives for one deed.
#pragma once

#include "kernel-probes/check/known_child.hpp"
#include "kernel-probes/probe.hpp"

#include <functional>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace faultline::probes::testing {

inline std::optional<std::uint64_t> value_of(Probe& probe, std::string_view name) {
    Snapshot snapshot;
    probe.mark(engine::Phase::warmup, snapshot);
    for (const Value& value : snapshot.values) {
        if (value.metric->name == name) {
            return value.value;
        }
    }
    return std::nullopt;
}

// As an ordinary user, in a child process: the body's expectations are reported through its exit status.
inline bool passes_as_ordinary_user(const std::function<bool()>& body) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        constexpr unsigned nobody = 65534;
        // A process that changed its user is closed to others of that user, its own parent too, until it says
        // not.
        const bool dropped = ::setgroups(0, nullptr) == 0 && ::setgid(nobody) == 0 && ::setuid(nobody) == 0 &&
                             ::prctl(PR_SET_DUMPABLE, 1) == 0;
        ::_exit(dropped && body() ? 0 : 1);
    }
    int status = 1;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

} // namespace faultline::probes::testing
