#include "base/fd.hpp"
#include "kernel-probes/check/deeds.hpp"

#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace faultline::probes::deeds {
namespace {

constexpr std::size_t huge_page = std::size_t{2} << 20;

std::size_t page_size() {
    return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

// Unmapped when it goes out of scope.
class Area {
  public:
    Area(std::size_t bytes, int flags, int fd = -1)
        : bytes_(bytes), base_(::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, fd, 0)) {
        if (*this) {
            ::madvise(base_, bytes_, MADV_NOHUGEPAGE); // EINVAL where there are none
        }
    }
    Area(const Area&) = delete;
    Area& operator=(const Area&) = delete;
    ~Area() {
        if (*this) {
            ::munmap(base_, bytes_);
        }
    }
    explicit operator bool() const { return base_ != MAP_FAILED; }
    void* base() const { return base_; }

    // Not instrumented in sanitized builds: touching the sanitizer's shadow would be faults of its own.
    __attribute__((no_sanitize("address", "thread"))) void write(std::size_t step,
                                                                 std::size_t from = 0) const {
        for (std::size_t at = from; at < bytes_; at += step) {
            static_cast<volatile char*>(base_)[at] = static_cast<char>(at / step % 127 + 1);
        }
    }
    __attribute__((no_sanitize("address", "thread"))) void read(std::size_t step) const {
        for (std::size_t at = 0; at < bytes_; at += step) {
            (void)static_cast<volatile char*>(base_)[at];
        }
    }

  private:
    std::size_t bytes_;
    void* base_;
};

constexpr int anonymous = MAP_PRIVATE | MAP_ANONYMOUS;

} // namespace

bool touch_shared(std::uint32_t pages) {
    const Area area(pages * page_size(), MAP_SHARED | MAP_ANONYMOUS);
    if (area) {
        area.write(page_size());
    }
    return static_cast<bool>(area);
}

bool read_untouched(std::uint32_t pages) {
    const Area area(pages * page_size(), anonymous);
    if (area) {
        area.read(page_size());
    }
    return static_cast<bool>(area);
}

bool copy_on_write(std::uint32_t pages) {
    const Area area(pages * page_size(), anonymous);
    int gate[2];
    if (!area || ::pipe2(gate, O_CLOEXEC) != 0) {
        return false;
    }
    area.write(page_size());
    const Fd read_end(gate[0]);
    Fd write_end(gate[1]);
    // As long as it lives its copies are other pages than ours.
    const pid_t sharer = ::fork();
    if (sharer == 0) {
        char byte = 0;
        write_end.reset();
        ::_exit(::read(read_end.get(), &byte, 1) == 0 ? 0 : 1);
    }
    if (sharer > 0) {
        area.write(page_size());
    }
    write_end.reset();
    return sharer > 0 && ::waitpid(sharer, nullptr, 0) == sharer;
}

bool write_private_file(std::uint32_t pages) {
    const Fd file(::open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (!file || ::ftruncate(file.get(), static_cast<off_t>(pages * page_size())) != 0) {
        return false;
    }
    const Area area(pages * page_size(), MAP_PRIVATE, file.get());
    if (area) {
        area.write(page_size());
    }
    return static_cast<bool>(area);
}

bool touch_huge(std::uint32_t huge_pages) {
    const Area area((huge_pages + 1) * huge_page, anonymous);
    if (!area) {
        return false;
    }
    const auto base = reinterpret_cast<std::uintptr_t>(area.base());
    const std::size_t to_boundary = (huge_page - base % huge_page) % huge_page;
    char* first = static_cast<char*>(area.base()) + to_boundary;
    if (::madvise(first, huge_pages * huge_page, MADV_HUGEPAGE) != 0) {
        return false;
    }
    for (std::uint32_t i = 0; i < huge_pages; ++i) {
        static_cast<volatile char*>(first)[i * huge_page] = 1;
    }
    return true;
}

bool swap_in(std::uint32_t pages) {
    const Area area(pages * page_size(), anonymous);
    if (!area) {
        return false;
    }
    area.write(page_size());
    if (::madvise(area.base(), pages * page_size(), MADV_PAGEOUT) != 0) {
        return false;
    }
    unsigned out = 0;
    for (std::uint32_t i = 0; i < pages; ++i) {
        unsigned char resident = 1;
        ::mincore(static_cast<char*>(area.base()) + i * page_size(), page_size(), &resident);
        out += (resident & 1) == 0 ? 1 : 0;
    }
    area.read(page_size());
    return out == pages;
}

bool touch_elsewhere(std::uint32_t pages) {
    static std::uint32_t half;
    half = pages / 2;
    const auto touch = [](void* /*unused*/) -> void* {
        const Area area(half * page_size(), anonymous);
        if (area) {
            area.write(page_size());
        }
        return nullptr;
    };
    pthread_t thread;
    if (::pthread_create(&thread, nullptr, touch, nullptr) != 0 || ::pthread_join(thread, nullptr) != 0) {
        return false;
    }
    const pid_t child = ::fork();
    if (child == 0) {
        touch(nullptr);
        ::_exit(0);
    }
    return child > 0 && ::waitpid(child, nullptr, 0) == child;
}

} // namespace faultline::probes::deeds
