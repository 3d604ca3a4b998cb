// A worker with the allocator under test preloaded, seen from its supervisor, which has glibc's malloc. The worker is
// this same program in another role.
#pragma once

#include "base/error.hpp"
#include "base/fd.hpp"
#include "workloads/stress/ordeal/pulse.hpp"

#include <string>
#include <sys/types.h>
#include <vector>

namespace faultline::stress {

struct Worker {
    std::vector<std::string> arguments; // role first
    std::string preload;                // "" for libc's malloc
    bool silent = false;                // nothing it says is heard
    int output_fd = -1; // where what it says goes, standard output and error; -1: where ours goes
    int plan_fd = -1;   // handed on as descriptor plan_fd_number
    // In the child before exec, when given: with async-signal-safe calls only. False ends it.
    bool (*prepare)(void* context) = nullptr;
    void* context = nullptr;
};
inline constexpr int plan_fd_number = 201;

// How it ended.
struct Ending {
    enum class Kind { exited, killed, hung, overfull } kind = Kind::exited;
    int number = 0; // status or signal; MiB for overfull
};
std::string describe(const Ending& ending); // "was killed by SIGSEGV"

class Running {
  public:
    // Fails with os.
    static Result<Running> start(const Worker& worker);
    Running(Running&&) noexcept;
    Running& operator=(Running&&) = delete;
    ~Running(); // kills it

    pid_t pid() const { return pid_; }
    const Pulse& pulse() const { return *pulse_; }

    // Waits for its end, but no longer than `most_looks` looks, 10 ms apart, without progress, and not beyond
    // `most_bytes` of resident memory. Calls look() at each.
    template <typename Look>
    Ending watch(unsigned most_looks, std::uint64_t most_bytes, Look look) {
        Ending ending;
        while (!ended(most_looks, most_bytes, ending)) {
            look();
        }
        return ending;
    }
    Ending watch(unsigned most_looks, std::uint64_t most_bytes) {
        return watch(most_looks, most_bytes, [] {});
    }

  private:
    Running() = default;
    bool ended(unsigned most_looks, std::uint64_t most_bytes, Ending& ending); // after one look
    void kill();

    pid_t pid_ = -1;
    Pulse* pulse_ = nullptr;
    std::uint64_t last_progress_ = 0;
    unsigned looks_ = 0;
};

std::uint64_t resident_bytes_of(pid_t pid); // 0 when it is gone

} // namespace faultline::stress
