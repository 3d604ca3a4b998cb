// Text handed out piece by piece, without allocation: the figures of stats.hpp and formats.hpp go through it.
#pragma once

#include <cstddef>

namespace sb {

// Receives one piece of text.
struct TextSink {
    void (*take)(void* context, const char* text, size_t bytes);
    void* context;
};

// One piece as printf makes it, cut at 255 bytes. No floating point: that may allocate.
[[gnu::format(printf, 2, 3)]] void put(TextSink sink, const char* format, ...);

extern const TextSink standard_error;

} // namespace sb
