// Keeps a fuzzer from being stopped by checksums: after each mutation those of a native trace are made right again, so
// that what is behind them is reached. Included by the targets that read traces.
#pragma once

#include "workloads/trace/crc32.hpp"
#include "workloads/trace/format.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace faultline::fuzz {

template <typename Header>
void mend(std::uint8_t* at, Header& header) {
    header.checksum = trace::crc32(&header, offsetof(Header, checksum));
    std::memcpy(at, &header, sizeof header);
}

inline void mend_checksums(std::uint8_t* data, std::size_t size) {
    trace::FileHeader file;
    if (size < sizeof file) {
        return;
    }
    std::memcpy(&file, data, sizeof file);
    mend(data, file);
    for (std::size_t at = sizeof file; at + sizeof(trace::BlockHeader) <= size;) {
        trace::BlockHeader block;
        std::memcpy(&block, data + at, sizeof block);
        std::uint8_t* payload = data + at + sizeof block;
        const std::size_t bytes = std::min<std::size_t>(block.stored_bytes, size - at - sizeof block);
        block.payload_checksum = trace::crc32(payload, bytes);
        mend(data + at, block);
        at += sizeof block + bytes;
    }
}

} // namespace faultline::fuzz

#if defined(FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION)
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most,
                                               unsigned /*seed*/) {
    const std::size_t mutated = LLVMFuzzerMutate(data, size, most);
    if (mutated >= 8 && std::memcmp(data, "FLTRACE\n", 8) == 0) {
        faultline::fuzz::mend_checksums(data, mutated);
    }
    return mutated;
}
#endif
