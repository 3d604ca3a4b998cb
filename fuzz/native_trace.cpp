// A native trace, whole or with its last block cut: read to its end, resolved and compiled, or refused.
#include "fuzz/file_of.hpp"
#include "fuzz/mend_checksums.hpp"
#include "workloads/trace/compile.hpp"
#include "workloads/trace/importers.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const faultline::fuzz::FileOf file(data, size);
    for (const bool recover : {false, true}) {
        if (auto source = faultline::trace::open_native(file.path(), {recover})) {
            const faultline::Fd out(::memfd_create("fuzz", 0));
            (void)faultline::trace::compile(**source, out.get());
        }
    }
    return 0;
}
