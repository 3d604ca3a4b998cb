// A child process that stands still until it is told to do a known thing, then stands still again: what a
// probe counts in between is known in advance. Opening a source of figures says nothing; counting what was
// done does.
#pragma once

#include "base/error.hpp"
#include "base/fd.hpp"

#include <cstdint>
#include <sys/types.h>

namespace faultline::probes {

class KnownChild {
  public:
    enum class Deed : char {
        touch_pages =
            't',     // writes to `amount` fresh pages of anonymous memory (no huge pages), and keeps them
        sleep = 's', // sleeps `amount` times: a voluntary switch each
        read_zeros = 'r',   // `amount` reads of 4 KiB from /dev/zero
        burn_ms = 'b',      // uses `amount` ms of CPU time
        migrate = 'm',      // moves between two CPUs `amount` times; fails where only one is allowed
        thread_sleep = 'j', // as sleep, in a thread that has ended by the time do_deed() returns
        touch_file = 'f', // reads `amount` pages of a mapped file after dropping them from the page cache: a
                          // major fault each; fails where the pages cannot be dropped (tmpfs)

        touch_shared = 'S',       // writes to `amount` fresh pages of shared memory
        read_untouched = 'z',     // reads `amount` fresh pages of anonymous memory
        copy_on_write = 'c',      // writes to `amount` pages that a child of its own shares
        write_private_file = 'C', // writes to `amount` pages of a file mapped privately
        touch_huge = 'h',         // writes to `amount` fresh huge pages of 2 MiB
        swap_in = 'w',            // has `amount` pages paged out and reads them; fails without swap for all
        touch_elsewhere = 'e',    // touches `amount` fresh pages, half in a thread, half in a child process

        send_control = 'g',  // `amount` messages with `size` bytes of control
        set_attribute = 'x', // `amount` times an extended attribute of `size` bytes on a file
        send_queue = 'q',    // `amount` messages of `size` bytes through a System V queue
        attach_filter = 'v', // `amount` socket filters of `size` instructions
        make_file = 'M',     // a file of `amount` pages, kept open and written to storage
        drop_file = 'D',     // its pages dropped from the page cache; fails where they cannot be (tmpfs)
        read_file = 'R',     // reads its first `amount` pages
        map_unmap = 'u',     // `amount` times mmap `size` bytes, mprotect, madvise DONTNEED, mremap to twice
                             // that, munmap
    };

    // Fails with `os`. The child dies with this object, and with the process.
    static Result<KnownChild> start();

    // Returns when it is done and the child stands still; false when it could not be done.
    bool do_deed(Deed deed, std::uint32_t amount, std::uint32_t size = 0);
    pid_t pid() const { return pid_; }

    KnownChild(KnownChild&& other) noexcept;
    KnownChild& operator=(KnownChild&&) = delete;
    KnownChild(const KnownChild&) = delete;
    KnownChild& operator=(const KnownChild&) = delete;
    ~KnownChild();

  private:
    KnownChild() = default;
    pid_t pid_ = -1;
    Fd orders_; // a socket: an order out, its outcome back
};

} // namespace faultline::probes
