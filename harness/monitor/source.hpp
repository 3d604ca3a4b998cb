// Where the monitor's samples come from: the probes on the root of a tree, and procfs for each process of it.
#pragma once

#include "base/error.hpp"
#include "harness/monitor/model.hpp"

#include <memory>
#include <string>
#include <sys/types.h>
#include <vector>

namespace faultline::monitor {

class Source {
  public:
    // Counts from now on. Fails with usage for an unknown group, with unavailable when `root` is not there; a probe
    // that cannot count here is left out, see missing().
    static Result<Source> attach(pid_t root, const std::vector<std::string>& groups);

    Sample take();
    // One line for each group of figures that this user, or this host, does not get.
    const std::vector<std::string>& missing() const { return missing_; }
    std::string title() const;     // the root's command
    std::string allocator() const; // the file of a known allocator that the root has loaded, or ""

  private:
    struct Member {
        pid_t pid;
        std::unique_ptr<probes::Probe> procfs;
    };
    explicit Source(pid_t root) : root_(root) {}
    void follow_tree();

    pid_t root_;
    std::vector<std::unique_ptr<probes::Probe>> probes_; // that follow the tree themselves, or are the host's
    std::vector<Member> members_;
    std::vector<std::string> missing_;
};

} // namespace faultline::monitor
