// A suite file: an error names file and line, and nothing else happens.
#include "harness/plan/suite.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto suite = faultline::plan::parse_suite({reinterpret_cast<const char*>(data), size}, "fuzz.toml");
    if (!suite && suite.error().where.find("fuzz.toml") == std::string::npos) {
        std::abort(); // an error that does not say where
    }
    return 0;
}
