// A program to run with the library preloaded. `threads`: threads free what others allocated, and late TLS destructors
// allocate. `fork`: children of a process whose other threads allocate all the time allocate, free and exit.
// Ends with 0 and sb_check() clean, or says what went wrong.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <pthread.h>
#include <random>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

constexpr unsigned child_time_limit_s = 20;

[[noreturn]] void fail(const char* what) {
    fprintf(stderr, "preload_stress: %s\n", what);
    _exit(1);
}

void check(const char* when) {
    auto* checker = reinterpret_cast<const char* (*)()>(dlsym(RTLD_DEFAULT, "sb_check"));
    if (!checker) {
        fail("no slabuddy is preloaded");
    }
    if (const char* broken = checker()) {
        fprintf(stderr, "preload_stress: %s: %s\n", when, broken);
        _exit(1);
    }
}

size_t some_size(std::mt19937& random) {
    return random() % 200 == 0 ? random() % 2000000 : random() % (random() % 8 ? 300 : 20000);
}

std::atomic<unsigned char*> slots[512];

// Each block holds its own size in its first bytes and a mark in its last.
void churn(unsigned seed, int operations) {
    std::mt19937 random(seed);
    for (int i = 0; i < operations; ++i) {
        const size_t bytes = sizeof(size_t) + 1 + some_size(random);
        auto* block = static_cast<unsigned char*>(i % 5 ? malloc(bytes) : calloc(1, bytes));
        if (!block || (i % 5 == 0 && block[bytes - 1] != 0)) {
            fail("calloc gave something other than zeros");
        }
        memcpy(block, &bytes, sizeof bytes);
        block[bytes - 1] = static_cast<unsigned char>(bytes);
        if (unsigned char* other = slots[random() % 512].exchange(block)) {
            size_t its = 0;
            memcpy(&its, other, sizeof its);
            if (other[its - 1] != static_cast<unsigned char>(its)) {
                fail("a block lost its content");
            }
            free(other);
        }
    }
}

void drain() {
    for (auto& slot : slots) {
        free(slot.exchange(nullptr));
    }
}

// Allocates when its thread ends, after or before the allocator's own hook: neither may crash or leak a cache.
void late_destructor(void* block) {
    free(block);
    free(malloc(100));
    free(malloc(100000));
}

void threads() {
    pthread_key_t early = 0;
    pthread_key_create(&early, late_destructor);
    for (int round = 0; round < 3; ++round) {
        std::vector<std::thread> running;
        for (unsigned id = 0; id < 6; ++id) {
            running.emplace_back([=] {
                pthread_setspecific(early, malloc(50));
                churn(id, 40000);
            });
        }
        for (auto& thread : running) {
            thread.join();
        }
        check("after threads ended");
    }
    drain();
    check("after all was freed");
}

void forks() {
    std::atomic<bool> stop{false};
    std::vector<std::thread> running;
    for (unsigned id = 0; id < 4; ++id) {
        running.emplace_back([&stop, id] {
            for (unsigned round = id; !stop; round += 4) {
                churn(round, 200);
            }
        });
    }
    for (unsigned i = 0; i < 200; ++i) {
        const pid_t child = fork();
        if (child < 0) {
            fail("fork is refused");
        }
        if (child == 0) {
            alarm(child_time_limit_s); // a child that hangs ends by SIGALRM, which the parent reports
            churn(i, 500);
            if (i % 8 == 0) {
                drain();
                check("in a child");
            }
            _exit(0);
        }
        int status = 0;
        if (waitpid(child, &status, 0) != child || status != 0) {
            fail(WIFSIGNALED(status) ? "a child was killed" : "a child failed");
        }
    }
    stop = true;
    for (auto& thread : running) {
        thread.join();
    }
    drain();
    check("in the parent");
}

} // namespace

int main(int argc, char** argv) {
    if (argc == 2 && strcmp(argv[1], "threads") == 0) {
        threads();
    } else if (argc == 2 && strcmp(argv[1], "fork") == 0) {
        forks();
    } else {
        fprintf(stderr, "usage: preload_stress threads|fork\n");
        return 64;
    }
    return 0;
}
