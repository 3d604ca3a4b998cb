// Text without allocation, and the end of a program that misused the allocator: one line on standard error by
// write(2) (what, which address, of which class, and what to do), then abort(). Every fatal message is in
// report.cpp.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sb {

// A line being put together in a buffer of its own; what does not fit is cut.
class Text {
  public:
    Text& add(const char* text);
    Text& add_clean(const char* text, size_t bytes); // user data: control characters shown as '?'
    Text& add_number(uint64_t value);
    Text& add_hex(uint64_t value);
    void write() const;  // to standard error
    const char* c_str(); // with a NUL behind it
    const char* data() const { return text_; }
    size_t size() const { return size_; }

  private:
    char text_[512];
    size_t size_ = 0;
};

enum class Misuse {
    double_free,      // freed and not allocated since
    interior,         // inside a block, not at its begin
    misaligned,       // not even a multiple of 16
    foreign,          // no block of this allocator
    use_after_free,   // realloc or malloc_usable_size of what is free
    overflow,         // debug: written behind its end
    underflow,        // debug: written before its begin
    written_freed,    // debug: written after it was freed
    wrong_cache,      // an object of a named cache, given back to another or to free()
    wrong_order,      // pages given back as more or fewer than were allocated
    broken_invariant, // slabuddy's own figures do not add up: a bug here, or its memory was overwritten
};

// `call` is what the program called ("free"); `cls` the size class the address lies in, 0 when in none.
[[noreturn]] void report_misuse(Misuse what, const char* call, const void* block, unsigned cls);
// The same for an object of a named slab cache; `detail` is put behind what happened, as in ", byte 5 of 8".
[[noreturn]] void report_misuse(Misuse what, const char* call, const void* block, const char* cache,
                                const Text& detail);

} // namespace sb
