// What a node runs for a shard, and where that leaves its document: a folder that all nodes share.
#pragma once

#include "base/error.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace faultline::engines {

struct Job {
    std::filesystem::path folder;
    unsigned shards = 1;

    std::filesystem::path script() const { return folder / "shard.sh"; } // takes the shard's number
    std::filesystem::path document(unsigned shard) const; // there once the shard is whole, and never before
    std::filesystem::path log(unsigned shard) const;
};

// Makes the folder and the script, which runs `command` with --shard and -o in the working directory of now. Fails with
// cannot_create or io.
Result<void> prepare(const Job& job, const std::vector<std::string>& command);

std::string shell_quoted(std::string_view word); // one word of sh

// The last line of the shard's log; "" where there is none yet.
std::string last_word(const Job& job, unsigned shard);

} // namespace faultline::engines
