// Carries out a plan on a heap and watches every promise on the way: no NULL, alignment, blocks that do not overlap,
// zeros from calloc, contents kept until the release and across realloc, usable size not below what was asked, errno
// kept by free, children of fork that can use the heap. The first promise that is broken ends the process through
// voice.hpp's fail().
//
// Nothing here allocates from the heap under test but the plan's own steps (and pthread_create). One Executor, one
// plan at a time; perform() makes the plan's threads and joins them.
#pragma once

#include "workloads/engine/arena.hpp"
#include "workloads/stress/random/calls.hpp"
#include "workloads/stress/random/live_index.hpp"
#include "workloads/stress/random/plan.hpp"

#include <atomic>
#include <pthread.h>

namespace faultline::stress {

enum class Order {
    free,   // threads run side by side, and wait only for each other's blocks
    planned // one step at a time, each by its thread, in the order of the plan
};

struct Limits {
    std::size_t steps;
    std::uint32_t blocks;
    std::uint32_t threads;
};

class Executor {
  public:
    // Plans may be as large as `limits`. `progress` counts steps, for whoever watches for hangs.
    Executor(const Calls& calls, const Limits& limits, std::atomic<std::uint64_t>& progress);

    // `name` of the plan is for messages.
    void perform(const Plan& plan, Order order, std::uint64_t seed, const char* name);

    std::uint64_t own_bytes() const { return index_.own_bytes() + engine::Arena::process_bytes(); }

  private:
    struct Living {
        std::atomic<std::uintptr_t> address{0}; // 0: not made yet, or given up
        std::uint64_t written = 0;              // bytes that hold the pattern
        std::uint64_t taken = 0;                // bytes in the index: the usable size
        std::uint32_t maker = 0;                // its step
        std::uint32_t user = 0;                 // the thread of the step that gives it up
    };
    struct Worker {
        Executor* executor = nullptr;
        std::uint32_t thread = 0;
        pthread_t handle{};
        std::atomic<std::uint32_t> turn{0}; // its step that comes next of all, in planned order
    };

    void lay_out(const Plan& plan);
    static void* thread_main(void* argument);
    void run_thread(std::uint32_t thread);
    void hand_over_to(std::uint32_t at);
    void step(std::uint32_t at);
    void make(std::uint32_t at);
    void resize(std::uint32_t at);
    void give_up(std::uint32_t at);
    void fork_here(std::uint32_t at);
    [[noreturn]] void be_a_child(std::uint32_t thread);
    void use_heap_alone();

    Living& wait_for(std::uint32_t block);
    void accept(std::uint32_t at, void* block); // checks a new block and writes into it
    std::uint64_t key_of(std::uint32_t block) const;
    std::uintptr_t take(std::uint32_t at, Living& living);
    [[noreturn, gnu::cold, gnu::format(printf, 4, 5)]] void accuse(std::uint32_t at, const void* block,
                                                                   const char* format, ...);

    Calls calls_;
    engine::Arena arena_;
    LiveIndex index_;
    std::atomic<std::uint64_t>& progress_;
    std::span<Living> living_;
    std::span<std::uint32_t> order_;  // steps by thread
    std::span<std::uint32_t> starts_; // where each thread's begin in order_
    std::span<Worker> workers_;
    Plan plan_;
    Order how_ = Order::free;
    std::uint64_t seed_ = 0;
    const char* name_ = "";
};

} // namespace faultline::stress
