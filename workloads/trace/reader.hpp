// Reads a native trace: checks and indexes all block headers first, then gives the events of all threads
// merged by time, holding one unpacked block for each thread. Nothing in a file is trusted: every length,
// count, sum and number is checked before it is used, and an error names the file and the byte.
#pragma once

#include "workloads/trace/format.hpp"
#include "workloads/trace/source.hpp"

namespace faultline::trace {

// A block whose header has been checked.
struct BlockPlace {
    std::uint64_t offset; // of its header in the file
    BlockHeader header;
};

struct FileIndex {
    FileHeader header;
    std::vector<BlockPlace> blocks;         // in order of the file
    std::vector<std::string> program_notes; // the lines of the notes blocks
    std::uint64_t events = 0;
    std::uint64_t file_bytes = 0;
    bool ended = false;           // the last block is an end block
    std::uint64_t cut_offset = 0; // with `recover`: where a cut block began, else 0
};

// Fails with no_input, io or data.
Result<FileIndex> read_index(const std::filesystem::path& path, const OpenOptions& options);

} // namespace faultline::trace
