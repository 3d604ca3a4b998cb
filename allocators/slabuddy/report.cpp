#include "allocators/slabuddy/report.hpp"

#include "allocators/slabuddy/os.hpp"
#include "allocators/slabuddy/size_classes.hpp"

#include <cstdlib>

namespace sb {

Text& Text::add(const char* text) {
    for (; *text && size_ < sizeof text_; ++text) {
        text_[size_++] = *text;
    }
    return *this;
}

Text& Text::add_clean(const char* text, size_t bytes) {
    for (size_t i = 0; i < bytes && size_ < sizeof text_; ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        text_[size_++] = c < 0x20 || c == 0x7f ? '?' : static_cast<char>(c);
    }
    return *this;
}

Text& Text::add_number(uint64_t value) {
    char digits[21];
    size_t at = sizeof digits - 1;
    digits[at] = '\0';
    do {
        digits[--at] = static_cast<char>('0' + value % 10);
        value /= 10;
    } while (value);
    return add(digits + at);
}

Text& Text::add_hex(uint64_t value) {
    char digits[17];
    size_t at = sizeof digits - 1;
    digits[at] = '\0';
    do {
        digits[--at] = "0123456789abcdef"[value & 15];
        value >>= 4;
    } while (value);
    return add("0x").add(digits + at);
}

const char* Text::c_str() {
    text_[size_ < sizeof text_ ? size_ : sizeof text_ - 1] = '\0';
    return text_;
}

void Text::write() const {
    os_write_error(text_, size_);
}

namespace {

struct Wording {
    const char* what;
    const char* remedy;
};

Wording wording_of(Misuse misuse) {
    switch (misuse) {
    case Misuse::double_free:
        return {"double free",
                "free each block once; preload libslabuddy-checked.so to stop at the first wrong call"};
    case Misuse::interior:
        return {"pointer into the middle of a block", "pass the address that malloc returned"};
    case Misuse::misaligned:
        return {"misaligned pointer", "pass the address that malloc returned"};
    case Misuse::foreign:
        return {"pointer that slabuddy did not hand out",
                "free stack, global or foreign memory by its own means"};
    case Misuse::use_after_free:
        return {"block that is already free", "look for a free before this call"};
    case Misuse::overflow:
        return {"written past its end", "look for an index or a length that is too large"};
    case Misuse::underflow:
        return {"written before its begin",
                "look for a negative index, or a write past the end of the block below"};
    case Misuse::written_freed:
        return {"written after it was freed", "look for a pointer that is kept after free"};
    case Misuse::wrong_cache:
        return {"object of another slab cache", "give it back to the cache it came from, or by sb_kfree"};
    case Misuse::wrong_order:
        return {"not as many pages as were allocated", "pass the order or size that it was allocated with"};
    case Misuse::broken_invariant:
        return {"broken invariant", "look for writes through wild pointers"};
    }
    __builtin_unreachable();
}

} // namespace

[[gnu::cold]] void report_misuse(Misuse what, const char* call, const void* block, unsigned cls) {
    Text name;
    if (cls != 0) {
        name.add("kmalloc-").add_number(size_classes[cls].bytes);
    }
    report_misuse(what, call, block, cls != 0 ? name.c_str() : nullptr, {});
}

[[gnu::cold]] void report_misuse(Misuse what, const char* call, const void* block, const char* cache,
                                 const Text& detail) {
    const Wording wording = wording_of(what);
    Text line;
    line.add("slabuddy: ")
        .add(call)
        .add("(")
        .add_hex(reinterpret_cast<uintptr_t>(block))
        .add("): ")
        .add(wording.what)
        .add_clean(detail.data(), detail.size());
    if (cache) {
        line.add(" (class ").add(cache).add(")");
    }
    line.add("; ").add(wording.remedy).add("\n").write();
    abort();
}

} // namespace sb
