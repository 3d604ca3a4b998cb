// The words of one thread while a trace is compiled: few are kept in memory, more go to a file that all threads share.
#pragma once

#include "base/fd.hpp"

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace faultline::trace {

// Where spools put what they do not keep. The first error sticks, so that it may be looked for now and then.
class SpillFile {
  public:
    explicit SpillFile(std::filesystem::path folder) : folder_(std::move(folder)) {}

    std::uint64_t append(std::span<const std::uint64_t> words); // where they are, in bytes
    void read(std::uint64_t offset, std::span<std::uint64_t> words);
    int error() const { return error_; } // an errno, or 0

  private:
    std::filesystem::path folder_;
    Fd file_; // made when it is needed
    std::uint64_t end_ = 0;
    int error_ = 0;
};

class WordSpool {
  public:
    void push(std::uint64_t word, SpillFile& spill) {
        if (kept_.size() == most_kept) {
            spilled_.push_back(spill.append(kept_));
            kept_.clear();
        }
        kept_.push_back(word);
    }
    std::uint64_t size() const { return spilled_.size() * most_kept + kept_.size(); }

    // Calls take(word) for each in order, and empties the spool.
    template <typename Take>
    void drain(SpillFile& spill, Take take) {
        std::vector<std::uint64_t> piece(spilled_.empty() ? 0 : most_kept);
        for (const std::uint64_t offset : spilled_) {
            spill.read(offset, piece);
            for (const std::uint64_t word : piece) {
                take(word);
            }
        }
        for (const std::uint64_t word : kept_) {
            take(word);
        }
        kept_ = {};
        spilled_ = {};
    }

  private:
    static constexpr std::size_t most_kept = 8192; // 64 KiB

    std::vector<std::uint64_t> kept_;
    std::vector<std::uint64_t> spilled_; // offsets of pieces of most_kept words
};

} // namespace faultline::trace
