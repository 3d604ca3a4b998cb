// A program to run with the library preloaded. `threads`: threads free what others allocated, and late TLS destructors
// allocate. `fork N`: N children of a process whose 8 other threads allocate all the time allocate and free; every fourth
// then runs this program anew, which does the same. `confined`: no system calls but those glibc's malloc makes.
// `old-kernel`: what came after Linux 5.10 is refused. `full-map`: the process has all the mappings it may have.
// Ends with 0 and sb_check() clean, or says what went wrong.
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <pthread.h>
#include <random>
#include <string>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>
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

// Seccomp filters, in the words of <linux/filter.h>.
const sock_filter load_call = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr));

void answer_call(std::vector<sock_filter>& filter, long call, unsigned answer) {
    filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(call), 0, 1));
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, answer));
}

void install(std::vector<sock_filter>& filter) {
    const sock_fprog program = {static_cast<unsigned short>(filter.size()), filter.data()};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        fail("the kernel takes no seccomp filter");
    }
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

void forks(unsigned wanted, const char* program) {
    std::atomic<bool> stop{false};
    std::vector<std::thread> running;
    for (unsigned id = 0; id < 8; ++id) {
        running.emplace_back([&stop, id] {
            for (unsigned round = id; !stop; round += 8) {
                churn(round, 200);
            }
        });
    }
    for (unsigned i = 0; i < wanted; ++i) {
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
            if (i % 4 == 1) {
                execl(program, program, "child", nullptr);
                fail("exec is refused");
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

// Every system call but these ends the process.
void confined() {
    std::vector<sock_filter> filter = {load_call};
    for (const long allowed : {SYS_brk, SYS_mmap, SYS_munmap, SYS_mprotect, SYS_mremap, SYS_madvise,
                               SYS_futex, SYS_write, SYS_exit_group}) {
        answer_call(filter, allowed, SECCOMP_RET_ALLOW);
    }
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
    install(filter);
    churn(1, 100000);
    drain();
    malloc_trim(0);
    check("confined");
    _exit(0);
}

// madvise(2) knows no advice that came later (above MADV_PAGEOUT), and prctl(2) names no mappings.
void old_kernel() {
    std::vector<sock_filter> filter = {load_call};
    filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 4));
    filter.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[2])));
    filter.push_back(BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, MADV_PAGEOUT, 0, 1));
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL));
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    answer_call(filter, SYS_prctl, SECCOMP_RET_ERRNO | EINVAL);
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    install(filter);
    threads();
}

// Splits a range into single pages of alternating protection until vm.max_map_count is reached.
void full_map() {
    constexpr size_t page = 4096;
    constexpr size_t most = size_t{1} << 21;
    auto* range = static_cast<char*>(
        mmap(nullptr, most * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    if (range == MAP_FAILED) {
        fail("no address space to split");
    }
    size_t split = 0;
    while (split < most && mprotect(range + split * page, page, PROT_READ) == 0) {
        split += 2;
    }
    if (split >= most) {
        printf("left out: the process may have over a million mappings\n");
        return;
    }
    // Some blocks are refused, all that are given are whole, and what is freed serves again.
    std::vector<std::pair<unsigned char*, size_t>> blocks;
    blocks.reserve(1000);
    size_t refused = 0;
    for (size_t i = 0; i < 1000; ++i) {
        const size_t bytes = i % 10 == 0 ? (size_t{17} << 20) + i : 1 + i * 37 % 100000;
        errno = 0;
        auto* block = static_cast<unsigned char*>(malloc(bytes));
        if (!block) {
            if (errno != ENOMEM) {
                fail("NULL without ENOMEM");
            }
            ++refused;
            continue;
        }
        block[0] = block[bytes - 1] = static_cast<unsigned char>(i);
        blocks.emplace_back(block, bytes);
    }
    for (const auto& [block, bytes] : blocks) {
        if (block[0] != block[bytes - 1]) {
            fail("a block lost its content");
        }
        free(block);
    }
    printf("%zu of 1000 blocks refused with %zu mappings\n", refused, split);
    check("with all mappings in use");
    munmap(range, most * page);
    threads();
}

} // namespace

int main(int argc, char** argv) {
    const std::string mode = argc > 1 ? argv[1] : "";
    if (mode == "threads") {
        threads();
    } else if (mode == "fork" && argc == 3) {
        forks(static_cast<unsigned>(atoi(argv[2])), argv[0]);
    } else if (mode == "child") {
        alarm(child_time_limit_s);
        churn(1, 500);
        check("after exec");
    } else if (mode == "confined") {
        confined();
    } else if (mode == "old-kernel") {
        old_kernel();
    } else if (mode == "full-map") {
        full_map();
    } else {
        fprintf(stderr, "usage: preload_stress threads | fork N | confined | old-kernel | full-map\n");
        return 64;
    }
    return 0;
}
