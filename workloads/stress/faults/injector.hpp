// Makes chosen system calls of a worker fail or take their time, whoever makes them and however: a seccomp filter in the worker asks the
// supervisor before each one (seccomp_unotify(2)), which answers with an error, lets it go on, or does so later. Nothing of the
// allocator under test is replaced, so calls that it makes without libc are reached too.
//
// Linux 5.5 or newer.
#pragma once

#include "base/error.hpp"
#include "base/fd.hpp"
#include "workloads/stress/ordeal/pulse.hpp"

#include <atomic>
#include <cstdint>
#include <deque>
#include <linux/seccomp.h>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace faultline::stress {

// A row: a system call, or several that do the same, and how it refuses.
struct Victim {
    const char* name;
    std::vector<int> numbers;
    int error;
    // Which arguments tell one kind of call from another, as bits from the first on.
    unsigned sizes; // by their magnitude: powers of two
    unsigned words; // as they are
};
std::span<const Victim> victims();

// What to do with the calls of one victim, counted from 1 while the pulse's stage is `stage`.
struct Injection {
    const Victim* victim = nullptr;
    std::uint64_t stage = 1;
    std::uint64_t first = 0; // of the calls that are hit; 0: none is
    std::uint64_t count = 1; // how many
    unsigned delay_us = 0;   // they go on after this time; 0: they fail
};

class Injector {
  public:
    explicit Injector(const Injection& injection);
    ~Injector();
    Injector(const Injector&) = delete;
    Injector& operator=(const Injector&) = delete;

    // Worker::prepare and its context: installs the filter in the child and sends its descriptor here.
    static bool prepare(void* injector);

    // Once the worker has been started. Fails with unavailable where the kernel gives no such filter.
    Result<void> attend(const Pulse& pulse, pid_t worker);
    void finish(); // the worker has ended

    std::uint64_t seen() const { return seen_; } // calls in the stage
    // What kind each of them is: the same for calls from one place with like arguments. To be read after finish().
    const std::vector<std::uint64_t>& kinds() const { return kinds_; }
    // Calls that were hit.
    std::uint64_t injected() const { return injected_; }

  private:
    void answer_all(const Pulse& pulse, pid_t worker);
    bool is_hit(const seccomp_data& call, const Pulse& pulse, pid_t worker);
    void answer(const seccomp_notif& call, bool hit, pid_t worker);
    void let_go(std::uint64_t call);
    int let_go_the_due();

    Injection injection_;
    Fd here_;
    Fd there_;
    Fd listener_;
    std::thread thread_;
    struct Waiting {
        std::uint64_t call;
        std::uint64_t due_ns; // of the monotonic clock
    };
    std::deque<Waiting> waiting_; // calls that are delayed, in the order in which they are due
    std::atomic<std::uint64_t> seen_{0};
    std::atomic<std::uint64_t> injected_{0};
    std::vector<std::uint64_t> kinds_;
    std::uint64_t loader_begin_ = 0;
    std::uint64_t loader_end_ = 0;
};

} // namespace faultline::stress
