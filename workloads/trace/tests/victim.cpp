// What the recorder's tests record. Prints nothing; exits with 0.
//   threads      four threads; each frees what another allocated
//   fork         allocates, forks; the child allocates, frees a block of its parent's, and ends with _exit
//   fork-busy    forks eight times while two threads allocate
//   exec         allocates, then becomes /bin/true
//   killed       allocates for half a second in two threads, then kills itself
//   family       one call of each function of the malloc family
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <malloc.h>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

void exchange_between_threads() {
    constexpr int threads = 4;
    constexpr int blocks = 10'000;
    std::vector<std::vector<void*>> made(threads, std::vector<void*>(blocks));
    for (const bool frees : {false, true}) {
        std::vector<std::thread> team;
        team.reserve(threads);
        for (int t = 0; t < threads; ++t) {
            team.emplace_back([&made, frees, t] {
                for (int i = 0; i < blocks; ++i) {
                    if (frees) {
                        std::free(
                            made[static_cast<std::size_t>((t + 1) % threads)][static_cast<std::size_t>(i)]);
                    } else {
                        made[static_cast<std::size_t>(t)][static_cast<std::size_t>(i)] =
                            std::malloc(static_cast<std::size_t>(i % 500 + 1));
                    }
                }
            });
        }
        for (std::thread& thread : team) {
            thread.join();
        }
    }
}

int fork_and_wait(void* inherited) {
    const pid_t child = ::fork();
    if (child == 0) {
        std::free(inherited);
        for (int i = 0; i < 100; ++i) {
            std::free(std::malloc(77));
        }
        ::_exit(0);
    }
    int status = 1;
    ::waitpid(child, &status, 0);
    return status;
}

void churn(const std::atomic<bool>& stop) {
    std::vector<std::string> strings(100);
    for (unsigned i = 0; !stop; ++i) {
        strings[i % strings.size()] = std::string(i % 300 + 20, 'x');
    }
}

int fork_while_busy() {
    std::atomic<bool> stop = false;
    std::thread one([&] { churn(stop); });
    std::thread two([&] { churn(stop); });
    int status = 0;
    for (int i = 0; i < 8; ++i) {
        status |= fork_and_wait(nullptr);
    }
    stop = true;
    one.join();
    two.join();
    return status;
}

void kill_self() {
    std::atomic<bool> stop = false;
    std::thread one([&] { churn(stop); });
    std::thread two([&] { churn(stop); });
    ::usleep(500'000);
    ::kill(::getpid(), SIGKILL);
}

void call_each() {
    void* volatile blocks[8] = {};
    blocks[0] = std::malloc(10);
    blocks[1] = std::calloc(3, 20);
    blocks[0] = std::realloc(blocks[0], 1000);
    blocks[2] = ::memalign(64, 30);
    blocks[3] = std::aligned_alloc(64, 128);
    void* aligned = nullptr;
    if (::posix_memalign(&aligned, 256, 40) == 0) {
        blocks[4] = aligned;
    }
    blocks[5] = ::reallocarray(nullptr, 5, 10);
    blocks[6] = ::valloc(50);
    blocks[7] = ::operator new(60);
    ::operator delete(blocks[7]);
    for (int i = 0; i < 7; ++i) {
        std::free(blocks[i]);
    }
    std::free(nullptr);
}

} // namespace

int main(int argc, char** argv) {
    const std::string mode = argc > 1 ? argv[1] : "";
    if (mode == "threads") {
        exchange_between_threads();
    } else if (mode == "fork") {
        return fork_and_wait(std::malloc(4321));
    } else if (mode == "fork-busy") {
        return fork_while_busy();
    } else if (mode == "exec") {
        std::free(std::malloc(4321));
        ::execl("/bin/true", "true", nullptr);
        return 1;
    } else if (mode == "killed") {
        kill_self();
    } else if (mode == "family") {
        call_each();
    } else {
        return 64;
    }
    return 0;
}
