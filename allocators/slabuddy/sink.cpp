#include "allocators/slabuddy/sink.hpp"

#include "allocators/slabuddy/os.hpp"

#include <cstdarg>
#include <cstdio>

namespace sb {

void put(TextSink sink, const char* format, ...) {
    char text[256];
    va_list values;
    va_start(values, format);
    const int bytes = vsnprintf(text, sizeof text, format, values);
    va_end(values);
    if (bytes > 0) {
        const auto wanted = static_cast<size_t>(bytes);
        sink.take(sink.context, text, wanted < sizeof text ? wanted : sizeof text - 1);
    }
}

const TextSink standard_error = {
    [](void* /*context*/, const char* text, size_t bytes) { os_write_error(text, bytes); }, nullptr};

} // namespace sb
