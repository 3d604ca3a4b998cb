// The bytes of an input file, unpacked on the way: .zip, .tar, .gz, .zst, .xz and .bz2 are known by their
// content.
#pragma once

#include "base/error.hpp"

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace faultline::trace {

class Input {
  public:
    virtual ~Input() = default;

    // The next bytes, at most out.size(); 0 at the end. Fails with io, or with data when packed content is
    // broken.
    virtual Result<std::size_t> read(std::span<char> out) = 0;

    // What to call it in messages: the file's name, and "!MEMBER" for a file inside an archive.
    virtual const std::string& name() const = 0;

    virtual const std::vector<std::string>& notes() const = 0; // members of an archive that were left out
};

// Of an archive with several members the first regular file is read. Fails with no_input or data.
Result<std::unique_ptr<Input>> open_input(const std::filesystem::path& path);

// Lines of an Input, without their newline; a last line without newline counts. Valid until the next call.
class LineReader {
  public:
    explicit LineReader(std::unique_ptr<Input> input) : input_(std::move(input)), buffer_(buffer_bytes) {}

    // The first bytes, for finding out the format; call before next().
    Result<std::string_view> peek(std::size_t bytes);

    // All that is left, of a format that is not read line by line. Fails with data beyond `limit` bytes.
    Result<std::string> rest(std::size_t limit);

    // False at the end. A line longer than the limit is an error, so that a hostile file cannot take all
    // memory.
    Result<bool> next(std::string_view& line);

    std::uint64_t line_number() const { return line_number_; } // of the line that next() gave last, from 1
    const Input& input() const { return *input_; }

    static constexpr std::size_t line_limit = 4096;
    static constexpr std::size_t buffer_bytes = 1 << 16;

  private:
    Result<bool> fill(); // reads more behind what is left; false at the end of the input

    std::unique_ptr<Input> input_;
    std::vector<char> buffer_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    bool ended_ = false;
    std::uint64_t line_number_ = 0;
};

} // namespace faultline::trace
