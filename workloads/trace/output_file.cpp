#include "workloads/trace/output_file.hpp"

#include "base/file.hpp"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace faultline::trace {
namespace {

constexpr std::size_t piece_bytes = 1 << 18;

} // namespace

OutputFile::OutputFile(Fd fd, std::filesystem::path path, std::filesystem::path temporary)
    : fd_(std::move(fd)), path_(std::move(path)), temporary_(std::move(temporary)) {}

OutputFile::~OutputFile() {
    if (fd_) {
        ::unlink(temporary_.c_str());
    }
}

Result<OutputFile> OutputFile::create(const std::filesystem::path& path) {
    std::filesystem::path temporary = path;
    temporary += ".part";
    Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!fd) {
        return fail_errno(Exit::cannot_create, path.string(), "cannot create", errno,
                          "choose a writable place");
    }
    return OutputFile(std::move(fd), path, std::move(temporary));
}

Result<void> OutputFile::write(std::string_view bytes) {
    buffer_ += bytes;
    return buffer_.size() >= piece_bytes ? flush() : Result<void>();
}

Result<void> OutputFile::overwrite(std::size_t offset, std::string_view bytes) {
    if (auto flushed = flush(); !flushed) {
        return flushed;
    }
    const ssize_t n = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    return n == static_cast<ssize_t>(bytes.size()) ? Result<void>() : cannot_write();
}

Result<void> OutputFile::commit() {
    if (auto flushed = flush(); !flushed) {
        return flushed;
    }
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
        return fail_errno(Exit::cannot_create, path_.string(), "cannot replace", errno,
                          "choose a writable place");
    }
    fd_.reset();
    return {};
}

Result<void> OutputFile::flush() {
    if (!write_all(fd_.get(), buffer_)) {
        return cannot_write();
    }
    buffer_.clear();
    return {};
}

tl::unexpected<Error> OutputFile::cannot_write() const {
    return fail_errno(Exit::io, path_.string(), "cannot write", errno,
                      "free some space; nothing was replaced");
}

} // namespace faultline::trace
