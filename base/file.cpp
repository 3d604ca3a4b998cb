#include "base/file.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace faultline {
namespace {

std::filesystem::path temporary_name(const std::filesystem::path& path) {
    return path.parent_path() / ("." + path.filename().string() + ".tmp-" + std::to_string(::getpid()));
}

// Where `path` really leads: through links, so that a link is kept and its target replaced. Only a regular file, or
// nothing, may be replaced: renaming over a device or a FIFO would put a file in its place.
Result<std::filesystem::path> replaceable(const std::filesystem::path& path) {
    std::error_code error;
    const auto target = std::filesystem::weakly_canonical(path, error);
    if (error) {
        return fail(Exit::cannot_create, path.string(), "cannot be followed: " + error.message(),
                    "choose another place with -o");
    }
    const auto status = std::filesystem::status(target, error);
    if (std::filesystem::is_directory(status)) {
        return fail(Exit::cannot_create, path.string(), "is a directory", "name a file with -o");
    }
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
        return fail(Exit::cannot_create, path.string(), "is not a regular file",
                    "name a regular file with -o");
    }
    return target;
}

std::filesystem::path directory_of(const std::filesystem::path& path) {
    return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

} // namespace

Result<std::string> read_file(const std::filesystem::path& path) {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) {
        return fail_errno(Exit::no_input, path.string(), "cannot open", errno);
    }
    struct stat status {};
    if (::fstat(fd.get(), &status) == 0 && S_ISDIR(status.st_mode)) {
        return fail(Exit::no_input, path.string(), "is a directory", "name a file");
    }
    std::string content;
    if (S_ISREG(status.st_mode)) {
        content.reserve(static_cast<std::size_t>(status.st_size) + 1);
    }
    char buffer[1 << 16];
    for (;;) {
        const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
        if (n == 0) {
            return content;
        }
        if (n < 0 && errno != EINTR) {
            return fail_errno(Exit::io, path.string(), "cannot read", errno);
        }
        if (n > 0) {
            content.append(buffer, static_cast<std::size_t>(n));
        }
    }
}

bool write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd, bytes.data(), bytes.size());
        if (n < 0 && errno != EINTR) {
            return false;
        }
        bytes.remove_prefix(n > 0 ? static_cast<std::size_t>(n) : 0);
    }
    return true;
}

Result<void> write_file_atomically(const std::filesystem::path& path,
                                   const std::function<Result<void>(int fd)>& fill) {
    const auto target = replaceable(path);
    if (!target) {
        return tl::unexpected(target.error());
    }
    const std::filesystem::path temporary = temporary_name(*target);
    Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!fd) {
        return fail_errno(Exit::cannot_create, path.string(), "cannot create", errno,
                          "choose a writable place with -o");
    }
    const auto give_up = [&](const char* what) {
        const int cause = errno;
        ::unlink(temporary.c_str());
        return fail_errno(Exit::io, path.string(), what, cause, "nothing was overwritten");
    };
    if (auto filled = fill(fd.get()); !filled) {
        ::unlink(temporary.c_str());
        return filled;
    }
    if (::fsync(fd.get()) != 0 && errno != EINVAL) {
        return give_up("cannot flush to disk");
    }
    fd.reset();
    if (::rename(temporary.c_str(), target->c_str()) != 0) {
        return give_up("cannot replace");
    }
    return {};
}

Result<void> write_file_atomically(const std::filesystem::path& path, std::string_view content) {
    return write_file_atomically(path, [&](int fd) -> Result<void> {
        if (!write_all(fd, content)) {
            return fail_errno(Exit::io, path.string(), "cannot write", errno, "nothing was overwritten");
        }
        return {};
    });
}

Result<Fd> unnamed_file(const std::filesystem::path& folder) {
    Fd fd(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (fd) {
        return fd;
    }
    std::string name = (folder / ".faultline-XXXXXX").string(); // of a file system without O_TMPFILE
    fd.reset(::mkostemp(name.data(), O_CLOEXEC));
    if (!fd) {
        return fail_errno(Exit::cannot_create, folder.string(), "cannot create a file in", errno,
                          "choose a folder that can be written to");
    }
    ::unlink(name.c_str());
    return fd;
}

Result<void> check_writable(const std::filesystem::path& path) {
    const auto target = replaceable(path);
    if (!target) {
        return tl::unexpected(target.error());
    }
    const std::filesystem::path temporary = temporary_name(*target);
    const Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    if (!fd) {
        return fail_errno(Exit::cannot_create, path.string(),
                          "cannot create a file in " + directory_of(path).string(), errno,
                          "choose a writable place with -o");
    }
    ::unlink(temporary.c_str());
    return {};
}

} // namespace faultline
