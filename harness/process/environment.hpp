// The environment of a worker: as little as a program needs, what tunes allocators passed on and recorded,
// LD_PRELOAD for the worker alone, and padding so that results do not hang on one stack layout.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace faultline::process {

using Variables = std::map<std::string, std::string>;

// The variables of `environ` that change how an allocator behaves (MALLOC_CONF, GLIBC_TUNABLES, MIMALLOC_*,
// ...) or that a program needs to start (PATH, HOME, LD_LIBRARY_PATH, TMPDIR), then those in `extra`, which
// win.
Variables inherited(const char* const* environ, const Variables& extra);

// The whole environment of one worker. `preload` may be empty. `padding` bytes go into FAULTLINE_PADDING.
std::vector<std::string> worker_environment(const Variables& variables, const std::filesystem::path& preload,
                                            unsigned padding);

} // namespace faultline::process
