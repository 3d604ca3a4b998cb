// The operating system, behind one face. Addresses and lengths are multiples of os_page_bytes() unless said
// otherwise. Functions that return bool answer false when the kernel refused and change nothing; none changes
// errno (the public calls decide about it), none allocates.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sb {

size_t os_page_bytes();

// While one stands, the calling thread asks the kernel for nothing: every function below that would get memory, change
// a mapping or give memory back is refused, and os_wait() returns at once. os_unmap() and os_wake_one() still work:
// what must not be kept and who sleeps on a lock cannot be refused. For GFP_NOWAIT.
class OsRefusal {
  public:
    OsRefusal();
    ~OsRefusal();
    OsRefusal(const OsRefusal&) = delete;
    OsRefusal& operator=(const OsRefusal&) = delete;

  private:
    bool before_;
};

bool os_is_refused(); // true while one stands

// Address space without memory: PROT_NONE, not counted by the overcommit accounting. NULL when refused.
void* os_reserve(size_t bytes);
// Makes part of a reservation readable and writable; it reads as zero.
bool os_commit(void* at, size_t bytes);
// Readable, writable, zero. NULL when refused.
void* os_map(size_t bytes);
// The same, under a name that /proc/PID/maps shows as "/memfd:NAME (deleted)".
void* os_map_named(size_t bytes, const char* name);
void os_unmap(void* at, size_t bytes);
// No access at all: a guard.
bool os_guard(void* at, size_t bytes);
// Gives the memory back and keeps the addresses, which then read as zero.
bool os_purge(void* at, size_t bytes);
// Resizes a mapping, moving it when `may_move`. NULL when refused.
void* os_remap(void* at, size_t old_bytes, size_t new_bytes);

// The address-space limit (RLIMIT_AS) in bytes, SIZE_MAX when there is none.
size_t os_address_space_limit();

// Milliseconds of a clock that never goes back, by the coarse clock (some 4 ms): cheap enough for every slow
// path.
uint64_t os_now_ms();

// The processor this thread runs on, a hint: it may have changed on return.
unsigned os_cpu();

// Writes all of it to standard error, by write(2) alone.
void os_write_error(const char* text, size_t bytes);

void os_sleep_ms(uint64_t ms);
void os_yield(); // to a thread that waits for this processor

// Sleeps while *word == value; may wake for no reason.
void os_wait(uint32_t* word, uint32_t value);
void os_wake_one(uint32_t* word);

} // namespace sb
