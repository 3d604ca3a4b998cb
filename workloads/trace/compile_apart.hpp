// Compiles a trace without touching this process's heap, which may be the one under test: a child does it and
// leaves the program in a file without a name.
#pragma once

#include "base/error.hpp"
#include "base/fd.hpp"

#include <filesystem>

namespace faultline::trace {

// A descriptor of the program's bytes. For processes with one thread. Fails as open_trace() and compile() do.
Result<Fd> compile_apart(const std::filesystem::path& trace, bool paced);

} // namespace faultline::trace
