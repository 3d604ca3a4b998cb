// After "Futexes are tricky" (Drepper 2011), mutex 2, with a short spin before sleeping.
#include "allocators/slabuddy/lock.hpp"

#include "allocators/slabuddy/os.hpp"

namespace sb {
namespace {

constexpr int spins_before_sleep = 64;

inline void relax() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

} // namespace

void Lock::lock_slowly() {
    for (int i = 0; i < spins_before_sleep; ++i) {
        if (word_.load(std::memory_order_relaxed) == free_state && try_lock()) {
            return;
        }
        relax();
    }
    while (word_.exchange(contended_state, std::memory_order_acquire) != free_state) {
        os_wait(reinterpret_cast<uint32_t*>(&word_), contended_state);
    }
}

void Lock::wake() {
    os_wake_one(reinterpret_cast<uint32_t*>(&word_));
}

} // namespace sb
