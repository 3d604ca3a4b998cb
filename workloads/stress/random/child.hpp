// A child of fork that is expected to end by itself soon.
#pragma once

#include <atomic>
#include <cstdint>

namespace faultline::stress {

struct ChildEnd {
    bool hung = false; // did not end in time, and was killed
    int status = 0;
    int signal = 0;
};

// Forks, calls body(context) in the child, which dies with this thread, and waits for its end. `progress` is counted up while it waits, so that
// the wait itself is not taken for a hang. When fork fails there is no child, and nothing is wrong with it.
ChildEnd in_a_child(void (*body)(void*), void* context, std::atomic<std::uint64_t>& progress);

template <typename Body>
ChildEnd in_a_child(Body body, std::atomic<std::uint64_t>& progress) {
    return in_a_child([](void* context) { (*static_cast<Body*>(context))(); }, &body, progress);
}

} // namespace faultline::stress
