// The figures of stats.hpp put together for readers: a summary for people, JSON for programs, and the XML of
// malloc_info(3).
#pragma once

#include "allocators/slabuddy/sink.hpp"

namespace sb {

// A summary and all texts of stats.hpp: SLABUDDY_OPTIONS=stats and malloc_stats().
void report_write(TextSink sink);

// One object; every key ends in its unit or counts what it names.
void json_write(TextSink sink);

// As glibc lays it out: free objects by size, then totals.
void malloc_info_write(TextSink sink);

} // namespace sb
