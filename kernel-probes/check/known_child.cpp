#include "kernel-probes/check/known_child.hpp"

#include "kernel-probes/check/deeds.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace faultline::probes {
namespace {

struct Order {
    KnownChild::Deed deed;
    std::uint32_t amount;
    std::uint32_t size;
};

// Not instrumented in sanitized builds: touching the sanitizer's shadow would be faults of its own.
__attribute__((no_sanitize("address", "thread"))) bool touch_pages(std::uint32_t pages) {
    const std::size_t page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    void* area = ::mmap(nullptr, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED) {
        return false;
    }
    ::madvise(area, pages * page, MADV_NOHUGEPAGE); // EINVAL where there are none
    for (std::size_t at = 0; at < pages * page; at += page) {
        static_cast<volatile char*>(area)[at] = 1;
    }
    return true;
}

bool sleep_often(std::uint32_t times) {
    for (std::uint32_t i = 0; i < times; ++i) {
        const timespec nap{0, 1000};
        ::nanosleep(&nap, nullptr);
    }
    return true;
}

bool read_zeros(std::uint32_t times) {
    const Fd zeros(::open("/dev/zero", O_RDONLY | O_CLOEXEC));
    char buffer[4096];
    for (std::uint32_t i = 0; i < times; ++i) {
        if (::read(zeros.get(), buffer, sizeof buffer) != sizeof buffer) {
            return false;
        }
    }
    return true;
}

bool burn_ms(std::uint32_t milliseconds) {
    // Mostly in user space: clock() is a system call, so it is asked seldom.
    const std::clock_t begin = std::clock();
    volatile std::uint64_t work = 0;
    while ((std::clock() - begin) / (CLOCKS_PER_SEC / 1000) < static_cast<std::clock_t>(milliseconds)) {
        for (int i = 0; i < 100'000; ++i) {
            work = work + 1;
        }
    }
    return true;
}

bool migrate(std::uint32_t times) {
    cpu_set_t allowed;
    if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0 || CPU_COUNT(&allowed) < 2) {
        return false;
    }
    int cpus[2];
    for (int cpu = 0, found = 0; found < 2; ++cpu) {
        if (CPU_ISSET(cpu, &allowed)) {
            cpus[found++] = cpu;
        }
    }
    const auto move_to = [](int cpu) {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        return ::sched_setaffinity(0, sizeof one, &one) == 0;
    };
    bool done = true;
    // One move more than asked for: the first may be to where it already is.
    for (std::uint32_t i = 0; i <= times; ++i) {
        done = done && move_to(cpus[i % 2]);
    }
    return ::sched_setaffinity(0, sizeof allowed, &allowed) == 0 && done;
}

bool thread_sleep(std::uint32_t times) {
    pthread_t thread;
    const auto body = [](void* amount) -> void* {
        sleep_often(*static_cast<std::uint32_t*>(amount));
        return nullptr;
    };
    return ::pthread_create(&thread, nullptr, body, &times) == 0 && ::pthread_join(thread, nullptr) == 0;
}

bool touch_file(std::uint32_t pages) {
    const std::size_t page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const Fd file(::open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    static const char content[4096] = {1};
    for (std::size_t written = 0; file && written < pages * page; written += sizeof content) {
        if (::write(file.get(), content, sizeof content) != sizeof content) {
            return false;
        }
    }
    if (!file || ::fsync(file.get()) != 0 || ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED) != 0) {
        return false;
    }
    void* area = ::mmap(nullptr, pages * page, PROT_READ, MAP_SHARED, file.get(), 0);
    if (area == MAP_FAILED) {
        return false;
    }
    ::madvise(area, pages * page, MADV_RANDOM); // no read-ahead: each page is a fault of its own
    bool dropped = true;
    for (std::size_t at = 0; at < pages * page; at += page) {
        unsigned char resident = 1;
        dropped =
            dropped && ::mincore(static_cast<char*>(area) + at, page, &resident) == 0 && (resident & 1) == 0;
    }
    for (std::size_t at = 0; dropped && at < pages * page; at += page) {
        (void)static_cast<volatile char*>(area)[at];
    }
    ::munmap(area, pages * page);
    return dropped;
}

bool obey(const Order& order) {
    using Deed = KnownChild::Deed;
    switch (order.deed) {
    case Deed::touch_pages:
        return touch_pages(order.amount);
    case Deed::sleep:
        return sleep_often(order.amount);
    case Deed::read_zeros:
        return read_zeros(order.amount);
    case Deed::burn_ms:
        return burn_ms(order.amount);
    case Deed::migrate:
        return migrate(order.amount);
    case Deed::thread_sleep:
        return thread_sleep(order.amount);
    case Deed::touch_file:
        return touch_file(order.amount);
    case Deed::touch_shared:
        return deeds::touch_shared(order.amount);
    case Deed::read_untouched:
        return deeds::read_untouched(order.amount);
    case Deed::copy_on_write:
        return deeds::copy_on_write(order.amount);
    case Deed::write_private_file:
        return deeds::write_private_file(order.amount);
    case Deed::touch_huge:
        return deeds::touch_huge(order.amount);
    case Deed::swap_in:
        return deeds::swap_in(order.amount);
    case Deed::touch_elsewhere:
        return deeds::touch_elsewhere(order.amount);
    case Deed::send_control:
        return deeds::send_control(order.amount, order.size);
    case Deed::set_attribute:
        return deeds::set_attribute(order.amount, order.size);
    case Deed::send_queue:
        return deeds::send_queue(order.amount, order.size);
    case Deed::attach_filter:
        return deeds::attach_filter(order.amount, order.size);
    case Deed::make_file:
        return deeds::make_file(order.amount);
    case Deed::drop_file:
        return deeds::drop_file();
    case Deed::read_file:
        return deeds::read_file(order.amount);
    case Deed::map_unmap:
        return deeds::map_unmap(order.amount, order.size);
    }
    return false;
}

[[noreturn]] void serve(int orders, pid_t parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    Order order{};
    while (::getppid() == parent && ::read(orders, &order, sizeof order) == sizeof order) {
        const char outcome = obey(order) ? 'y' : 'n';
        if (::write(orders, &outcome, 1) != 1) {
            break;
        }
    }
    ::_exit(0);
}

} // namespace

Result<KnownChild> KnownChild::start() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        return fail_errno(Exit::os, "", "cannot make a socket pair", errno);
    }
    Fd ours(ends[0]);
    const Fd theirs(ends[1]);
    const pid_t parent = ::getpid();
    KnownChild child;
    child.pid_ = ::fork();
    if (child.pid_ < 0) {
        return fail_errno(Exit::os, "", "cannot fork", errno);
    }
    if (child.pid_ == 0) {
        ours.reset();
        serve(theirs.get(), parent);
    }
    child.orders_ = std::move(ours);
    // Copy-on-write faults of the first deeds are not part of any known count.
    for (const Deed deed : {Deed::touch_pages, Deed::sleep, Deed::read_zeros}) {
        child.do_deed(deed, 1);
    }
    return child;
}

bool KnownChild::do_deed(Deed deed, std::uint32_t amount, std::uint32_t size) {
    const Order order{deed, amount, size};
    char outcome = 'n';
    return ::send(orders_.get(), &order, sizeof order, MSG_NOSIGNAL) == sizeof order &&
           ::read(orders_.get(), &outcome, 1) == 1 && outcome == 'y';
}

KnownChild::KnownChild(KnownChild&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), orders_(std::move(other.orders_)) {}

KnownChild::~KnownChild() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
        }
    }
}

} // namespace faultline::probes
