#include "workloads/kernel/scratch_file.hpp"

#include "workloads/kernel/kernel_pattern.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <numeric>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

namespace faultline::kernel {

namespace {

constexpr std::size_t chunk_pages = 64;

const char* folder() {
    const char* named = std::getenv("TMPDIR");
    return named != nullptr && *named != '\0' ? named : "/var/tmp";
}

} // namespace

Result<ScratchFile> ScratchFile::make(std::size_t pages, std::uint64_t cookie) {
    ScratchFile file;
    file.fd_.reset(open(folder(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (!file.fd_)
        return fail_errno(Exit::unavailable, folder(), "cannot make a file without a name", errno,
                          "set TMPDIR to a folder on a disk");
    file.bytes_ = pages * page_bytes;
    engine::Arena arena;
    const std::span<char> chunk = arena.array<char>(chunk_pages * page_bytes);
    const std::span<std::uint32_t> order = arena.array<std::uint32_t>(chunk_pages);
    for (std::size_t at = 0; at < pages; at += chunk_pages) {
        const std::size_t count = std::min(chunk_pages, pages - at);
        std::iota(order.begin(), order.end(), static_cast<std::uint32_t>(at));
        // The words are those of the file's pages: the chunk's base is moved back by as much.
        write_pages(chunk.data() - at * page_bytes, order.first(count), cookie);
        const auto bytes = static_cast<ssize_t>(count * page_bytes);
        if (pwrite(file.fd(), chunk.data(), static_cast<std::size_t>(bytes),
                   static_cast<off_t>(at * page_bytes)) != bytes)
            return fail_errno(Exit::unavailable, folder(),
                              "cannot write a file of " + std::to_string(file.bytes_ >> 20) + " MiB", errno,
                              "make room, or set TMPDIR to another folder");
    }
    if (fsync(file.fd()) != 0)
        return fail_errno(Exit::unavailable, folder(), "cannot write a file to the disk", errno);
    return file;
}

void ScratchFile::drop() const {
    done(fsync(fd()), "cannot write the file to the disk");
    if (const int error = posix_fadvise(fd(), 0, 0, POSIX_FADV_DONTNEED); error != 0) {
        errno = error;
        refused("cannot drop the file from the page cache");
    }
}

std::size_t ScratchFile::cached_pages() const {
    const Area area(bytes_, MAP_SHARED, fd(), PROT_READ);
    std::vector<unsigned char> resident(area.pages());
    done(mincore(area.base(), bytes_, resident.data()), "mincore");
    return static_cast<std::size_t>(
        std::ranges::count_if(resident, [](unsigned char page) { return (page & 1) != 0; }));
}

Result<void> ScratchFile::check_drops() const {
    drop();
    if (const std::size_t left = cached_pages(); left > bytes_ / page_bytes / 20)
        return fail(Exit::unavailable, folder(),
                    "its file system keeps pages in memory that were asked to be dropped, as tmpfs does",
                    "set TMPDIR to a folder on a disk, or use cache=hot");
    return {};
}

} // namespace faultline::kernel
