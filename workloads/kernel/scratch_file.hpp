// A file without a name, for patterns about the page cache: in TMPDIR, else in /var/tmp, and gone with the process.
#pragma once

#include "base/error.hpp"
#include "base/fd.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace faultline::kernel {

class ScratchFile {
  public:
    // `pages` pages with the words that write_pages() would write with `cookie`, on the disk when this returns. Fails
    // with unavailable where the file system has no room, or no files without a name.
    static Result<ScratchFile> make(std::size_t pages, std::uint64_t cookie);

    int fd() const { return fd_.get(); }
    std::size_t bytes() const { return bytes_; }

    // Pages written are on the disk and none is in the page cache any more. A refusal ends the worker.
    void drop() const;
    std::size_t cached_pages() const;
    // Fails with unavailable where drop() does not drop, as on tmpfs.
    Result<void> check_drops() const;

  private:
    Fd fd_;
    std::size_t bytes_ = 0;
};

} // namespace faultline::kernel
