// Child processes of a check, and this process as the kernel sees it. Nothing here calls the allocator under test.
#pragma once

#include <cstdint>
#include <sys/types.h>

namespace faultline::stress {

// fork() whose child dies with this process; -1 with errno as fork has it.
pid_t fork_child();

// How a child ended: its wait status, or `hung` when it did not end within `seconds` and was killed.
struct ChildEnd {
    bool hung = false;
    int status = 0;
};
ChildEnd wait_child(pid_t pid, unsigned seconds);

// Ends this check with a line that names the child unless it ended with status 0 in time.
void expect_child_ended_well(pid_t pid, unsigned seconds, const char* which, unsigned number);

std::uint64_t resident_bytes();      // of this process
std::uint64_t address_space_bytes(); // what RLIMIT_AS counts
std::uint64_t data_bytes();          // what RLIMIT_DATA counts, and the stack

// Replaces this process by a fresh one that runs the same check; `again_after_exec()` is true there.
[[noreturn]] void exec_again();
bool again_after_exec();

} // namespace faultline::stress
