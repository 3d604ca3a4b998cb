// Reads nobody's bytes: a crash that a fuzzer finds which sees the branches it takes, so that a run without a finding is
// known to be one that could have had one. By chance it is one input in sixteen million.
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 2 && data[0] == 'b' && data[1] == 'u' && data[2] == 'g') {
        std::abort();
    }
    return 0;
}
