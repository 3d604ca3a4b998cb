// Where faultline's own files are, found from the running program: PREFIX/bin/faultline has its neighbours in
// PREFIX/bin, lib, libexec/faultline and share/faultline. A build directory is laid out the same way, but that what is
// preloaded stands in lib itself.
#pragma once

#include <filesystem>

namespace faultline::layout {

const std::filesystem::path& prefix(); // of the running program; "/usr" or ".../build/release"
std::filesystem::path worker();        // bin/faultline-worker
std::filesystem::path checker();       // bin/faultline-check
std::filesystem::path app_runner();    // bin/faultline-app
std::filesystem::path
libraries(); // lib, installed lib/faultline: what is preloaded, libslabuddy.so and others
std::filesystem::path subcommands(); // libexec/faultline: faultline-report, ...
std::filesystem::path suites();      // share/faultline/suites
std::filesystem::path traces();      // share/faultline/traces
std::filesystem::path profiles();    // share/faultline/profiles, of heaps
std::filesystem::path apps();        // share/faultline/apps: definitions of real programs
std::filesystem::path findings();    // share/faultline/findings/known.toml: what allocators are known to do

// $XDG_CACHE_HOME/faultline or ~/.cache/faultline, or under /tmp where there is no home; the last alone is created.
std::filesystem::path cache();

} // namespace faultline::layout
