// The processes of the program under test, looked at from outside while they run: which there are, how much memory they
// hold together, what they have used so far. All from /proc; nobody's permission is needed.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <sys/types.h>
#include <vector>

namespace faultline::apps {

struct TreeUsage {
    std::uint64_t cpu_ns = 0;
    std::uint64_t user_ns = 0; // in the kernel's ticks, usually 10 ms
    std::uint64_t system_ns = 0;
    std::uint64_t minor_faults = 0;
    std::uint64_t major_faults = 0;
};

class Tree {
  public:
    // `root` and everything below it; what loses its parent comes to this process, which is a subreaper, and still
    // belongs to the tree.
    explicit Tree(pid_t root);

    // The load generator and the like: children of this process that are not the program's.
    void leave_out(pid_t pid) { others_.insert(pid); }

    // Looks for new processes and adds up what all hold; cheap enough for every few milliseconds. Resident memory is
    // the sum of all anonymous pages, with files and shared memory counted once, as the most that one process maps;
    // pages shared since a fork are counted in each process.
    void sample();

    std::uint64_t resident_bytes() const { return resident_; } // at the last sample
    std::uint64_t peak_bytes() const { return peak_; } // sums at samples, and every process's own peak
    TreeUsage usage() const;                           // of the living, and of what they have waited for
    std::set<pid_t> living() const;
    const std::set<std::string>& programs() const { return programs_; } // files executed, as far as seen

    // Every sample, thinned out as the run gets longer.
    const std::vector<std::uint64_t>& at_ns() const { return at_ns_; }
    const std::vector<std::uint64_t>& values() const { return values_; }

  private:
    void find_new();
    void keep(std::uint64_t resident);

    pid_t self_;
    std::set<pid_t> members_;
    std::set<pid_t> others_; // seen, and not the program's
    std::set<std::string> programs_;
    std::uint64_t resident_ = 0;
    std::uint64_t peak_ = 0;
    unsigned keep_every_ = 1;
    unsigned since_kept_ = 0;
    std::vector<std::uint64_t> at_ns_;
    std::vector<std::uint64_t> values_;
};

} // namespace faultline::apps
