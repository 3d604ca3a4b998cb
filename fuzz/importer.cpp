// One importer alone, of the format FAULTLINE_FORMAT: it is given every input, whatever that begins with and packed or
// not, and reads it to its end, resolved and compiled, or refuses it.
#include "fuzz/file_of.hpp"
#include "workloads/trace/compile.hpp"
#include "workloads/trace/importers.hpp"

#include <cstdlib>

static const faultline::trace::Importer& fuzzed() {
    for (const auto& importer : faultline::trace::importers())
        if (importer.format == FAULTLINE_FORMAT)
            return importer;
    std::abort(); // the table names it otherwise
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const faultline::trace::Importer& importer = fuzzed();
    const faultline::fuzz::FileOf file(data, size);
    if (auto input = faultline::trace::open_input(file.path())) {
        const auto source = importer.make(faultline::trace::LineReader(std::move(*input)));
        const faultline::Fd out(::memfd_create("fuzz", 0));
        (void)faultline::trace::compile(*source, out.get());
    }
    return 0;
}
