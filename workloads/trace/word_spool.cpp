#include "workloads/trace/word_spool.hpp"

#include "base/file.hpp"

#include <cerrno>
#include <unistd.h>

namespace faultline::trace {

std::uint64_t SpillFile::append(std::span<const std::uint64_t> words) {
    const std::uint64_t at = end_;
    if (!file_ && error_ == 0) {
        Result<Fd> made = unnamed_file(folder_);
        error_ = made ? 0 : errno;
        file_ = made ? *std::move(made) : Fd();
    }
    const auto* bytes = reinterpret_cast<const char*>(words.data());
    for (std::size_t left = words.size_bytes(); left > 0 && error_ == 0;) {
        const ssize_t n = ::pwrite(file_.get(), bytes, left, static_cast<off_t>(end_));
        if (n < 0 && errno != EINTR) {
            error_ = errno;
        } else if (n > 0) {
            bytes += n;
            left -= static_cast<std::size_t>(n);
            end_ += static_cast<std::uint64_t>(n);
        }
    }
    return at;
}

void SpillFile::read(std::uint64_t offset, std::span<std::uint64_t> words) {
    auto* bytes = reinterpret_cast<char*>(words.data());
    for (std::size_t left = words.size_bytes(); left > 0 && error_ == 0;) {
        const ssize_t n = ::pread(file_.get(), bytes, left, static_cast<off_t>(offset));
        if (n == 0 || (n < 0 && errno != EINTR)) {
            error_ = n == 0 ? EIO : errno;
        } else if (n > 0) {
            bytes += n;
            left -= static_cast<std::size_t>(n);
            offset += static_cast<std::uint64_t>(n);
        }
    }
}

} // namespace faultline::trace
