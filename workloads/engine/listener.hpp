// Somebody who is told of every call of the allocator under test, in a run that is not timed: a Census, or an
// Occupancy. While one stands, recorders that are made sample nothing and every call is due, so that Heap and the
// player of traces leave their short path; a timed trial pays nothing for it.
//
// One at a time, made before the workload's prepare().
#pragma once

#include "workloads/engine/latency.hpp"

#include <cstddef>

namespace faultline::engine {

class Listener {
  public:
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    static Listener* standing() { return installed; }

    // A block is gone before the allocator has it back, and made once the caller has it; a realloc is both. Called by
    // any thread. `bytes`: as the program asked.
    virtual void made(Operation operation, void* block, std::size_t bytes) = 0;
    virtual void gone(Operation operation, void* block, std::size_t bytes) = 0;

  protected:
    Listener() {
        installed = this;
        LatencyRecorder::sample_all(true);
    }
    ~Listener() {
        LatencyRecorder::sample_all(false);
        installed = nullptr;
    }

  private:
    static inline Listener* installed = nullptr;
};

// The block that a call takes back; none for most.
struct Gone {
    void* block = nullptr;
    std::size_t bytes = 0;
};

// Makes the call, of `bytes` for what it makes, with the listener told.
template <typename Call>
void* heard(Listener& listener, LatencyRecorder& recorder, Operation operation, std::size_t bytes, Gone gone,
            Call call) {
    if (gone.block != nullptr)
        listener.gone(operation, gone.block, gone.bytes);
    void* block = call();
    if (block != nullptr)
        listener.made(operation, block, bytes);
    recorder.due_again();
    return block;
}

} // namespace faultline::engine
