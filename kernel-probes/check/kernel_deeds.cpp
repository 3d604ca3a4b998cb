#include "base/fd.hpp"
#include "kernel-probes/check/deeds.hpp"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <linux/filter.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/socket.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <vector>

namespace faultline::probes::deeds {
namespace {

// Buffers stand in the child's own data, touched once, so that a deed makes no other faults.
constexpr std::size_t most_bytes = std::size_t{1} << 16;
char buffer[most_bytes];

struct File {
    Fd fd;
    std::size_t bytes = 0;
};
File& kept_file() {
    static File file;
    return file;
}

std::size_t page_size() {
    return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

} // namespace

// The kernel copies the control part of a message before it looks at it.
bool send_control(std::uint32_t times, std::uint32_t bytes) {
    const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket || bytes > most_bytes) {
        return false;
    }
    std::memset(buffer, 0, bytes);
    msghdr message{};
    message.msg_control = buffer;
    message.msg_controllen = bytes;
    for (std::uint32_t i = 0; i < times; ++i) {
        ::sendmsg(socket.get(), &message, MSG_DONTWAIT); // ENOTCONN or EINVAL, after the copy
    }
    return true;
}

// The kernel copies the value before it asks the file system, whose answer does not matter.
bool set_attribute(std::uint32_t times, std::uint32_t bytes) {
    const Fd file(::open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (!file || bytes > most_bytes) {
        return false;
    }
    for (std::uint32_t i = 0; i < times; ++i) {
        ::fsetxattr(file.get(), "user.faultline", buffer, bytes, 0);
    }
    return true;
}

bool send_queue(std::uint32_t times, std::uint32_t bytes) {
    const int queue = ::msgget(IPC_PRIVATE, 0600);
    if (queue < 0 || bytes + sizeof(long) > most_bytes) {
        return false;
    }
    bool done = true;
    const long type = 1;
    std::memcpy(buffer, &type, sizeof type);
    for (std::uint32_t i = 0; i < times && done; ++i) {
        done = ::msgsnd(queue, buffer, bytes, IPC_NOWAIT) == 0 &&
               ::msgrcv(queue, buffer, bytes, 0, IPC_NOWAIT) == static_cast<ssize_t>(bytes);
    }
    ::msgctl(queue, IPC_RMID, nullptr);
    return done;
}

bool attach_filter(std::uint32_t times, std::uint32_t instructions) {
    const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    std::vector<sock_filter> code(instructions, sock_filter{BPF_LD | BPF_IMM, 0, 0, 0});
    code.back() = {BPF_RET | BPF_K, 0, 0, 0xffff};
    const sock_fprog program{static_cast<unsigned short>(instructions), code.data()};
    for (std::uint32_t i = 0; i < times; ++i) {
        if (::setsockopt(socket.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0) {
            return false;
        }
    }
    return true;
}

bool make_file(std::uint32_t pages) {
    File& file = kept_file();
    file.fd.reset(::open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    file.bytes = pages * page_size();
    for (std::size_t at = 0; at < file.bytes; at += page_size()) {
        if (::pwrite(file.fd.get(), buffer, page_size(), static_cast<off_t>(at)) !=
            static_cast<ssize_t>(page_size())) {
            return false;
        }
    }
    return ::fsync(file.fd.get()) == 0;
}

bool drop_file() {
    const File& file = kept_file();
    if (::posix_fadvise(file.fd.get(), 0, 0, POSIX_FADV_DONTNEED) != 0) {
        return false;
    }
    void* area = ::mmap(nullptr, file.bytes, PROT_READ, MAP_SHARED, file.fd.get(), 0);
    if (area == MAP_FAILED) {
        return false;
    }
    std::vector<unsigned char> resident(file.bytes / page_size(), 1);
    ::mincore(area, file.bytes, resident.data());
    ::munmap(area, file.bytes);
    bool dropped = true;
    for (const unsigned char page : resident) {
        dropped = dropped && (page & 1) == 0;
    }
    return dropped;
}

bool read_file(std::uint32_t pages) {
    const auto chunk = static_cast<ssize_t>(most_bytes);
    const auto bytes = static_cast<off_t>(pages * page_size());
    for (off_t at = 0; at < bytes; at += chunk) {
        const auto want = std::min<off_t>(chunk, bytes - at);
        if (::pread(kept_file().fd.get(), buffer, static_cast<std::size_t>(want), at) != want) {
            return false;
        }
    }
    return true;
}

bool map_unmap(std::uint32_t times, std::uint32_t bytes) {
    for (std::uint32_t i = 0; i < times; ++i) {
        void* area = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (area == MAP_FAILED || ::mprotect(area, bytes, PROT_READ) != 0 ||
            ::madvise(area, bytes, MADV_DONTNEED) != 0) {
            return false;
        }
        void* moved = ::mremap(area, bytes, 2UL * bytes, MREMAP_MAYMOVE);
        if (moved == MAP_FAILED || ::munmap(moved, 2UL * bytes) != 0) {
            return false;
        }
    }
    return true;
}

} // namespace faultline::probes::deeds
