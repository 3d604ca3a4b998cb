// How much of a processor a process wants, with all of its threads and descendants, and how much of that it gets: what
// is slow because others are served first looks like what hangs, and a time limit has to tell them apart.
#pragma once

#include <cstdint>
#include <sys/types.h>
#include <unordered_map>

namespace faultline::process {

struct Demand {
    double wants =
        0; // share of the time since the last look, 0 to 1, in which some thread ran or was ready to
    double gets = 1; // share of that which the threads ran
};

class DemandWatch {
  public:
    explicit DemandWatch(pid_t pid) : pid_(pid) {}

    // Since the last call; {0, 1} at the first, and when the process is gone. Of a process with many threads the first
    // most_threads stand for all, and most_processes for all that it started. Some 20 microseconds a thread.
    Demand look();

    static constexpr unsigned most_threads = 16;
    static constexpr unsigned most_processes = 16;

  private:
    struct Seen {
        std::uint64_t ran_ns = 0;
        std::uint64_t waited_ns = 0;
        bool is_new = true;
        std::uint64_t look = 0;
    };
    struct Sum {
        double ran_ns = 0;
        double waited_ns = 0;
    };
    void add_process(pid_t pid, std::uint64_t passed_ns, Sum& sum, unsigned& processes);
    void add_thread(pid_t tid, std::uint64_t passed_ns, Sum& sum);

    pid_t pid_;
    std::uint64_t last_ns_ = 0;
    std::uint64_t looks_ = 0;
    std::unordered_map<pid_t, Seen> seen_;
};

} // namespace faultline::process
