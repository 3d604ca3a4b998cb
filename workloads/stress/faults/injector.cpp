#include "workloads/stress/faults/injector.hpp"

#include "base/file.hpp"
#include "workloads/engine/clock.hpp"
#include "workloads/engine/rng.hpp"

#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <linux/audit.h>
#include <linux/filter.h>
#include <poll.h>
#include <sstream>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace faultline::stress {
namespace {

const std::vector<Victim>& table() {
    static const std::vector<Victim> all = {
        {"mmap", {SYS_mmap}, ENOMEM, 0b10, 0b1100},
        {"munmap", {SYS_munmap}, ENOMEM, 0b10, 0}, // as where a hole would make one mapping too many
        {"mremap", {SYS_mremap}, ENOMEM, 0b110, 0b1000},
        {"madvise", {SYS_madvise}, ENOMEM, 0b10, 0b100},
        {"mprotect", {SYS_mprotect}, ENOMEM, 0b10, 0b100},
        {"brk", {SYS_brk}, ENOMEM, 0, 0},
#ifdef SYS_clone
        {"pthread_create", {SYS_clone, SYS_clone3}, EAGAIN, 0, 0},
#endif
    };
    return all;
}

constexpr std::size_t most_numbers = 2;

// Asks for the victim's calls, lets all others go. Only async-signal-safe calls. The descriptor, or -1.
int install_filter(const Victim& victim) {
    sock_filter program[3 + 2 * most_numbers];
    unsigned short length = 0;
    const auto asks = static_cast<__u32>(SECCOMP_RET_USER_NOTIF);
    program[length++] = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr));
    for (const int number : victim.numbers) {
        program[length++] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<__u32>(number), 0, 1);
        program[length++] = BPF_STMT(BPF_RET | BPF_K, asks);
    }
    program[length++] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    const sock_fprog filter = {length, program};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return -1;
    }
    return static_cast<int>(
        ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter));
}

// A message of one byte with room for a descriptor.
struct DescriptorMessage {
    char byte = 'f';
    iovec part = {&byte, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr header{};

    DescriptorMessage() {
        header.msg_iov = &part;
        header.msg_iovlen = 1;
        header.msg_control = control;
        header.msg_controllen = sizeof control;
    }
    DescriptorMessage(const DescriptorMessage&) = delete;
    DescriptorMessage& operator=(const DescriptorMessage&) = delete;
};

bool send_descriptor(int socket, int fd) {
    DescriptorMessage message;
    cmsghdr* header = CMSG_FIRSTHDR(&message.header);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
    return ::sendmsg(socket, &message.header, 0) == 1;
}

Fd receive_descriptor(int socket) {
    DescriptorMessage message;
    if (::recvmsg(socket, &message.header, MSG_CMSG_CLOEXEC) != 1) {
        return Fd();
    }
    const cmsghdr* header = CMSG_FIRSTHDR(&message.header);
    int fd = -1;
    if (header != nullptr && header->cmsg_type == SCM_RIGHTS) {
        std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
    }
    return Fd(fd);
}

std::uint64_t kind_of(const seccomp_data& call, const Victim& victim) {
    std::uint64_t kind = engine::mix64(call.instruction_pointer);
    for (unsigned i = 0; i < std::size(call.args); ++i) {
        if ((victim.sizes >> i & 1) != 0) {
            kind = engine::mix64(kind + static_cast<unsigned>(std::bit_width(std::uint64_t{call.args[i]})));
        } else if ((victim.words >> i & 1) != 0) {
            kind = engine::mix64(kind + call.args[i]);
        }
    }
    return kind;
}

// brk(2) never fails with an error: it answers with the break as it was.
std::int64_t current_break(pid_t pid) {
    std::istringstream maps(read_file("/proc/" + std::to_string(pid) + "/maps").value_or(""));
    for (std::string line; std::getline(maps, line);) {
        if (line.ends_with("[heap]")) {
            return static_cast<std::int64_t>(std::stoull(line.substr(line.find('-') + 1), nullptr, 16));
        }
    }
    return 0;
}

} // namespace

std::span<const Victim> victims() {
    return table();
}

Injector::Injector(const Injection& injection) : injection_(injection) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0) {
        here_.reset(ends[0]);
        there_.reset(ends[1]);
    }
}

Injector::~Injector() {
    finish();
}

bool Injector::prepare(void* injector) {
    auto* self = static_cast<Injector*>(injector);
    const int listener = install_filter(*self->injection_.victim);
    return listener >= 0 && send_descriptor(self->there_.get(), listener) && ::close(listener) == 0;
}

Result<void> Injector::attend(const Pulse& pulse, pid_t worker) {
    there_.reset(); // so that a worker that could not send ends the wait
    listener_ = receive_descriptor(here_.get());
    if (!listener_) {
        return fail(Exit::unavailable, "",
                    "the kernel lets no supervisor answer system calls (seccomp_unotify)",
                    "Linux 5.5 or newer, outside of a sandbox that forbids seccomp");
    }
    thread_ = std::thread([this, &pulse, worker] { answer_all(pulse, worker); });
    return {};
}

void Injector::finish() {
    if (thread_.joinable()) {
        thread_.join(); // the descriptor hangs up with the last process of the filter
    }
}

// While the program starts, the loader's own calls are none of the allocator's.
bool Injector::is_hit(const seccomp_data& call, const Pulse& pulse, pid_t worker) {
    if (pulse.stage.load() != injection_.stage) {
        return false;
    }
    if (injection_.stage == 0) {
        if (loader_end_ == 0) {
            std::istringstream maps(read_file("/proc/" + std::to_string(worker) + "/maps").value_or(""));
            for (std::string line; std::getline(maps, line);) {
                if (line.find("/ld-linux") != std::string::npos) {
                    const std::size_t dash = line.find('-');
                    loader_begin_ =
                        loader_begin_ != 0 ? loader_begin_ : std::stoull(line.substr(0, dash), nullptr, 16);
                    loader_end_ = std::stoull(line.substr(dash + 1), nullptr, 16);
                }
            }
        }
        if (call.instruction_pointer >= loader_begin_ && call.instruction_pointer < loader_end_) {
            return false;
        }
    }
    const std::uint64_t number = ++seen_;
    kinds_.push_back(kind_of(call, *injection_.victim));
    return injection_.first != 0 && number >= injection_.first &&
           number - injection_.first < injection_.count;
}

void Injector::let_go(std::uint64_t call) {
    seccomp_notif_resp response{};
    response.id = call;
    response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    ::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_SEND, &response);
}

void Injector::answer(const seccomp_notif& call, bool hit, pid_t worker) {
    if (!hit) {
        let_go(call.id);
        return;
    }
    ++injected_;
    if (injection_.delay_us > 0) { // meanwhile others are answered
        waiting_.push_back({call.id, engine::monotonic_ns() + injection_.delay_us * std::uint64_t{1000}});
        return;
    }
    seccomp_notif_resp response{};
    response.id = call.id;
    if (call.data.nr == SYS_brk) {
        response.val = current_break(worker);
    } else {
        response.error = -injection_.victim->error;
    }
    ::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_SEND, &response);
}

// Milliseconds until the next is due, rounded up; -1 when none waits.
int Injector::let_go_the_due() {
    const std::uint64_t now = engine::monotonic_ns();
    for (; !waiting_.empty() && waiting_.front().due_ns <= now; waiting_.pop_front()) {
        let_go(waiting_.front().call);
    }
    return waiting_.empty() ? -1 : static_cast<int>((waiting_.front().due_ns - now + 999'999) / 1'000'000);
}

void Injector::answer_all(const Pulse& pulse, pid_t worker) {
    for (;;) {
        pollfd event = {listener_.get(), POLLIN, 0};
        const int ready = ::poll(&event, 1, let_go_the_due());
        if (ready == 0 || (ready < 0 && errno == EINTR)) {
            continue;
        }
        if ((event.revents & POLLIN) == 0) {
            return; // hung up
        }
        seccomp_notif call{};
        if (::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_RECV, &call) != 0) {
            continue; // its thread was killed meanwhile
        }
        answer(call, is_hit(call.data, pulse, worker), worker);
    }
}

} // namespace faultline::stress
