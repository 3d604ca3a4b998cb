// Looks at a library without loading it.
#pragma once

#include "base/error.hpp"

#include <filesystem>

namespace faultline::registry {

// Passes when `path` is a shared object for this machine that defines malloc and free for others to use.
// Every failure is a `data` or `no_input` error with `where` = the path. Only in builds with libelf; without
// it the loader decides.
Result<void> check_elf(const std::filesystem::path& path);

} // namespace faultline::registry
