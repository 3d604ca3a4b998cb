// Threads of a workload. A Team is a fixed set that waits at a barrier, so that making the threads is not in
// the clock; start_thread() and join_thread() are for patterns that are about making threads.
//
// glibc's pthread_create takes a thread's table of thread-local storage from the allocator under test;
// threads are therefore made in warmup() or later, never in prepare().
#pragma once

#include "workloads/engine/arena.hpp"

#include <atomic>
#include <cstdint>
#include <pthread.h>
#include <span>

namespace faultline::engine {

// The worker ends with one line and EX_OSERR when the system refuses a thread.
pthread_t start_thread(void* (*body)(void*), void* argument);
void join_thread(pthread_t thread);

// Holds threads back until it opens.
class StartFlag {
  public:
    void wait() const { open_.wait(0, std::memory_order_acquire); }
    void open() {
        open_.store(1, std::memory_order_release);
        open_.notify_all();
    }

  private:
    std::atomic<std::uint32_t> open_{0};
};

class Team {
  public:
    Team() = default;
    ~Team() { join(); }
    Team(const Team&) = delete;
    Team& operator=(const Team&) = delete;

    void prepare(Arena& arena, unsigned threads); // in prepare(): takes memory, makes no thread
    void start();                                 // in warmup(): makes the threads; they wait
    void join();                                  // in drain(): ends them; nothing when not started
    unsigned size() const { return static_cast<unsigned>(members_.size()); }

    // Calls job(index) on every thread of the team at the same time and returns when all have returned.
    template <typename Job>
    void run(Job&& job) {
        run_raw([](void* context,
                   unsigned index) { (*static_cast<std::remove_reference_t<Job>*>(context))(index); },
                const_cast<void*>(static_cast<const void*>(&job)));
    }

  private:
    using RawJob = void (*)(void* context, unsigned index);
    struct Member {
        Team* team = nullptr;
        unsigned index = 0;
        std::uint32_t seen = 0; // the barrier's round before the thread began
        pthread_t thread{};
    };
    static void* member_main(void* argument);
    void run_raw(RawJob job, void* context);
    void release();

    std::span<Member> members_;
    bool started_ = false;
    RawJob job_ = nullptr; // nullptr at a release: the thread ends
    void* context_ = nullptr;
    alignas(64) std::atomic<std::uint32_t> round_{0};   // a new number releases the barrier
    alignas(64) std::atomic<std::uint32_t> working_{0}; // threads that have not finished this round
};

} // namespace faultline::engine
