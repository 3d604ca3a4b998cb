// Allocation at the edges of a program's life: before main, after exit, when threads end, in libraries that come and go.
#include "base/layout.hpp"
#include "workloads/stress/blocks.hpp"
#include "workloads/stress/conformance/early.hpp"
#include "workloads/stress/conformance/tables.hpp"
#include "workloads/stress/voice.hpp"

#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <pthread.h>
#include <string>
#include <thread>
#include <vector>

namespace faultline::stress::conformance {
namespace {

constexpr std::size_t early_count = 200;
void* early[early_count];

std::size_t early_size(std::size_t i) {
    return 1 + i * i;
}

void before_main(const Task& /*task*/) {
    for (std::size_t i = 0; i < early_count; ++i) {
        FAULTLINE_EXPECT(early[i] != nullptr, "%zu bytes were refused before main", early_size(i));
        const std::size_t at = first_unlike(early[i], early_size(i), i);
        FAULTLINE_EXPECT(at == no_such_byte, "byte %zu of %zu that were allocated before main was lost", at,
                         early_size(i));
        early[i] = std::realloc(early[i], early_size(i) * 2);
        FAULTLINE_EXPECT(early[i] != nullptr && first_unlike(early[i], early_size(i), i) == no_such_byte,
                         "realloc lost what was allocated before main");
        std::free(early[i]);
    }
}

void* kept_for_exit;

void allocate_a_little(const char* when) {
    for (std::size_t size = 1; size < 2000000; size = size * 3 + 1) {
        void* block = std::malloc(size);
        FAULTLINE_EXPECT(block != nullptr, "malloc(%zu) returned NULL %s", size, when);
        write_pattern(block, size, size);
        block = std::realloc(block, size + 100);
        FAULTLINE_EXPECT(block != nullptr && first_unlike(block, size, size) == no_such_byte,
                         "a block of %zu bytes was lost %s", size, when);
        std::free(opaque(block));
    }
}

// Exit handlers run last in, first out: this one, the first to be registered, behind all of the libraries' own that came
// after the check began.
void at_exit() {
    allocate_a_little("in an exit handler");
    FAULTLINE_EXPECT(first_unlike(kept_for_exit, 5000, 3) == no_such_byte,
                     "a block was lost before the exit handlers");
    std::free(kept_for_exit);
    say_end();
}

void after_exit(const Task& /*task*/) {
    postpone_end();
    kept_for_exit = std::malloc(5000);
    write_pattern(kept_for_exit, 5000, 3);
    FAULTLINE_EXPECT(std::atexit(at_exit) == 0, "atexit failed");
    static const struct Last {
        Last() : block(std::malloc(300)) {}
        ~Last() {
            std::free(block);
            allocate_a_little("in a static destructor");
        }
        void* block;
    } last;
}

pthread_key_t key;

// Sets the key again and again, so that it is called after every destructor of the allocator's own.
void late_destructor(void* value) {
    auto* round = static_cast<unsigned char*>(value);
    allocate_a_little("in a destructor of thread data");
    if (*round < PTHREAD_DESTRUCTOR_ITERATIONS - 1) {
        auto* next = static_cast<unsigned char*>(std::malloc(40));
        *next = static_cast<unsigned char>(*round + 1);
        ::pthread_setspecific(key, next);
    }
    std::free(value);
}

void thread_destructors(const Task& /*task*/) {
    FAULTLINE_EXPECT(::pthread_key_create(&key, late_destructor) == 0, "pthread_key_create failed");
    for (int round = 0; round < 60; ++round) {
        std::thread threads[4];
        for (std::thread& thread : threads) {
            thread = std::thread([] {
                thread_local std::vector<std::string> ends_with_thread;
                ends_with_thread.assign(20, std::string(100, 'x'));
                auto* first = static_cast<unsigned char*>(std::calloc(1, 40));
                ::pthread_setspecific(key, first);
                allocate_a_little("in a thread");
            });
        }
        for (std::thread& thread : threads) {
            thread.join();
        }
    }
}

void open_and_close(const std::string& path) {
    for (int round = 0; round < 25; ++round) {
        void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
        FAULTLINE_EXPECT(library != nullptr, "cannot load it: %s", ::dlerror());
        auto* sound = reinterpret_cast<int (*)()>(::dlsym(library, "faultline_check_plugin_sound"));
        FAULTLINE_EXPECT(sound != nullptr && sound() == 1,
                         "what a static constructor of a library allocated was lost");
        FAULTLINE_EXPECT(::dlclose(library) == 0, "dlclose failed");
    }
}

void loaded_libraries(const Task& /*task*/) {
    const std::string path = (layout::libraries() / "libfaultline-check-plugin.so").string();
    open_and_close(path);
    std::thread threads[3];
    for (std::thread& thread : threads) {
        thread = std::thread(open_and_close, path);
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
}

constexpr Check checks[] = {
    {"conformance.before-main", "allocation works in static constructors before main", "C++20 [basic.start]",
     before_main},
    {"conformance.after-exit", "allocation works in exit handlers and static destructors", "C17 7.22.4.4",
     after_exit},
    {"conformance.thread-destructors",
     "allocation works in destructors of thread data, to the last of their rounds",
     "POSIX pthread_key_create", thread_destructors},
    {"conformance.loaded-libraries", "allocation works in constructors and destructors of loaded libraries",
     "POSIX dlopen", loaded_libraries},
};

} // namespace

void allocate_before_main() {
    for (std::size_t i = 0; i < early_count; ++i) {
        early[i] = std::malloc(early_size(i));
        if (early[i] != nullptr) {
            write_pattern(early[i], early_size(i), i);
        }
    }
}

std::span<const Check> lifetime_checks() {
    return checks;
}

} // namespace faultline::stress::conformance
