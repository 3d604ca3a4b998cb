// A file that is written as a stream beside its final name and moved there by commit(), so that nothing half
// written is ever found under that name.
#pragma once

#include "base/error.hpp"
#include "base/fd.hpp"

#include <filesystem>
#include <string_view>

namespace faultline::trace {

class OutputFile {
  public:
    // Creates PATH.part. Fails with cannot_create.
    static Result<OutputFile> create(const std::filesystem::path& path);
    OutputFile(OutputFile&&) = default;
    OutputFile& operator=(OutputFile&&) = delete;
    ~OutputFile(); // without commit() the file is removed

    // Collects and writes in large pieces. Fails with io.
    Result<void> write(std::string_view bytes);

    // Replaces bytes that were written before, from `offset` on.
    Result<void> overwrite(std::size_t offset, std::string_view bytes);

    Result<void> commit();

  private:
    OutputFile(Fd fd, std::filesystem::path path, std::filesystem::path temporary);
    Result<void> flush();
    tl::unexpected<Error> cannot_write() const;

    Fd fd_;
    std::filesystem::path path_;
    std::filesystem::path temporary_;
    std::string buffer_;
};

} // namespace faultline::trace
