// Whole files in and out. Writing replaces atomically: a reader sees the old content or the new, never a
// part, and a full disk or a kill leaves the old content where it was.
#pragma once

#include "base/error.hpp"
#include "base/fd.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace faultline {

// Fails with no_input (missing, unreadable, a directory) or io.
Result<std::string> read_file(const std::filesystem::path& path);

// Writes beside `path` (same directory, ".NAME.tmp-PID"), fsyncs, renames over it. Fails with cannot_create or io; the
// temporary file is removed on failure. A link is followed and kept; what is there and no regular file (a device, a
// FIFO) is left alone, with cannot_create.
Result<void> write_file_atomically(const std::filesystem::path& path, std::string_view content);

// The same for what is too large to be held: `fill` writes it into the descriptor, which is open for writing and empty.
// Fails as `fill` does, too.
Result<void> write_file_atomically(const std::filesystem::path& path,
                                   const std::function<Result<void>(int fd)>& fill);

// All of the bytes, at the descriptor's position. False with errno.
bool write_all(int fd, std::string_view bytes);

// A file without a name in `folder`, for reading and writing, that ends with its descriptor. Fails with cannot_create.
Result<Fd> unnamed_file(const std::filesystem::path& folder);

// Says whether write_file_atomically(path) could work, without touching what is there: asked before long work
// starts.
Result<void> check_writable(const std::filesystem::path& path);

} // namespace faultline
