// kmalloc: system calls that make the kernel take a buffer of a chosen size from its slab allocator, and give it back.
#include "base/fd.hpp"
#include "workloads/engine/parameter.hpp"
#include "workloads/engine/team.hpp"
#include "workloads/kernel/kernel_pattern.hpp"
#include "workloads/kernel/specs.hpp"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace faultline::kernel {

namespace {

using namespace engine;

constexpr std::int64_t largest = 64 << 10;

constexpr Parameter parameters[] = {
    choice_parameter(
        "call", "sendmsg", "sendmsg|setxattr|writev|msgsnd",
        "control data of a message, an attribute's value, an array of vectors, or a queued message"),
    integer_parameter(
        "size", "1024", 64, largest, "bytes",
        "asked of kmalloc; writev: 144 to 16K; msgsnd: with its head of 48 bytes, to 4K; sendmsg: to 16K"),
    integer_parameter("operations", "200000", 1, std::int64_t{1} << 40, "calls", "by each thread"),
};

constexpr std::size_t message_head_bytes = 48; // struct msg_msg

// One thread's way to call.
class Driver {
  public:
    virtual ~Driver() = default;
    virtual bool call() = 0; // false: refused, with errno
};

// The kernel copies the control part before it finds that nobody is at the other end.
class SendControl final : public Driver {
  public:
    explicit SendControl(std::span<char> buffer) : socket_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        message_.msg_control = buffer.data();
        message_.msg_controllen = buffer.size();
    }
    bool call() override {
        return sendmsg(socket_.get(), &message_, MSG_DONTWAIT) < 0 && (errno == ENOTCONN || errno == EINVAL);
    }

  private:
    Fd socket_;
    msghdr message_{};
};

// The kernel copies the value before it looks for the name's handler, and there is none.
class SetAttribute final : public Driver {
  public:
    explicit SetAttribute(std::span<char> buffer)
        : file_(open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)), buffer_(buffer) {}
    bool call() override {
        return fsetxattr(file_.get(), "faultline", buffer_.data(), buffer_.size(), 0) < 0 &&
               errno == EOPNOTSUPP;
    }

  private:
    Fd file_;
    std::span<char> buffer_;
};

class WriteVectors final : public Driver {
  public:
    explicit WriteVectors(std::span<char> buffer)
        : file_(open("/dev/null", O_WRONLY | O_CLOEXEC)), vectors_(reinterpret_cast<iovec*>(buffer.data())),
          count_(static_cast<int>(buffer.size() / sizeof(iovec))) {
        for (int i = 0; i < count_; ++i)
            vectors_[i] = {&byte_, 1};
    }
    bool call() override { return writev(file_.get(), vectors_, count_) == count_; }

  private:
    Fd file_;
    iovec* vectors_;
    int count_;
    char byte_ = 0;
};

class Queue final : public Driver {
  public:
    explicit Queue(std::span<char> buffer)
        : queue_(msgget(IPC_PRIVATE, 0600)), buffer_(buffer.data()),
          bytes_(buffer.size() - message_head_bytes) {
        const long type = 1;
        std::memcpy(buffer_, &type, sizeof type);
        // A queue outlives its processes: marked for removal now it would be gone at once, so the destructor does it.
    }
    ~Queue() override { msgctl(queue_, IPC_RMID, nullptr); }
    Queue(const Queue&) = delete;
    Queue& operator=(const Queue&) = delete;
    bool call() override {
        return msgsnd(queue_, buffer_, bytes_, IPC_NOWAIT) == 0 &&
               msgrcv(queue_, buffer_, bytes_, 0, IPC_NOWAIT) == static_cast<ssize_t>(bytes_);
    }

  private:
    int queue_;
    char* buffer_;
    std::size_t bytes_;
};

std::unique_ptr<Driver> driver_of(std::string_view call, std::span<char> buffer) {
    if (call == "sendmsg")
        return std::make_unique<SendControl>(buffer);
    if (call == "setxattr")
        return std::make_unique<SetAttribute>(buffer);
    if (call == "writev")
        return std::make_unique<WriteVectors>(buffer);
    return std::make_unique<Queue>(buffer);
}

class Kmalloc final : public KernelPattern {
  public:
    static std::uint64_t operations(const Arguments& arguments) {
        return arguments.threads * count_of(arguments, "operations");
    }
    explicit Kmalloc(const Arguments& arguments)
        : KernelPattern(arguments, operations(arguments)), call_(arguments.text("call")),
          bytes_(count_of(arguments, "size")), calls_(count_of(arguments, "operations")) {}

    Result<void> prepare() override {
        team_.prepare(arena_, threads_);
        for (unsigned thread = 0; thread < threads_; ++thread) {
            drivers_.push_back(driver_of(call_, arena_.array<char>(bytes_ + sizeof(long)).first(bytes_)));
            if (!drivers_.back()->call())
                return fail_errno(Exit::unavailable, "kmalloc",
                                  call_ + " of " + std::to_string(bytes_) + " bytes is refused", errno,
                                  "choose another size or call");
        }
        return {};
    }
    void warmup() override {
        if (threads_ > 1)
            team_.start();
    }
    std::uint64_t work() override {
        const auto job = [this](unsigned thread) {
            Driver& driver = *drivers_[thread];
            for (std::uint64_t i = 0; i < calls_; ++i)
                if (!driver.call()) [[unlikely]]
                    refused("a call that worked before");
        };
        if (threads_ == 1)
            job(0);
        else
            team_.run(job);
        return calls_;
    }
    void drain() override { team_.join(); }

  private:
    std::string call_;
    std::size_t bytes_;
    std::uint64_t calls_;
    std::vector<std::unique_ptr<Driver>> drivers_;
    Team team_;
};

Cost cost(const Arguments& arguments) {
    return {.live_bytes = count_of(arguments, "size") * arguments.threads,
            .allocated_bytes = 0,
            .operations = Kmalloc::operations(arguments)};
}

Result<void> check(const Arguments& arguments, std::string_view where) {
    struct Range {
        std::string_view call;
        std::uint64_t least;
        std::uint64_t most;
    };
    static constexpr Range ranges[] = {{"sendmsg", 64, 16 << 10},
                                       {"setxattr", 64, largest},
                                       {"writev", 144, 16 << 10},
                                       {"msgsnd", 64, 4096}};
    const std::uint64_t size = count_of(arguments, "size");
    const auto range = std::ranges::find(ranges, std::string_view(arguments.text("call")), &Range::call);
    if (size < range->least || size > range->most)
        return fail(Exit::usage, std::string(where),
                    "size=" + std::to_string(size) + " is out of range for call=" + std::string(range->call),
                    "give " + std::to_string(range->least) + " to " + std::to_string(range->most) + " bytes");
    return {};
}

} // namespace

constinit const WorkloadSpec kmalloc_spec = {
    .name = "kmallocN",
    .summary = "system calls that take a buffer of a chosen size from the kernel's slab allocator",
    .citation = "this project; as measured with the tracepoint kmem:kmalloc",
    .parameters = parameters,
    .threaded = true,
    .micro = false,
    .cost = cost,
    .make = make_kernel<Kmalloc>,
    .check = check,
    .kernel = "a call: one kmalloc of the class that holds `size`, and one kfree; setxattr of more than 8K: "
              "kvmalloc, which "
              "tries pages of that order",
};

} // namespace faultline::kernel
