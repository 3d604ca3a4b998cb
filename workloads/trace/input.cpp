#include "workloads/trace/input.hpp"

#include "base/fd.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef FAULTLINE_HAVE_ARCHIVE
#include <archive.h>
#include <archive_entry.h>
#endif

namespace faultline::trace {
namespace {

class PlainInput final : public Input {
  public:
    PlainInput(Fd fd, std::string name) : fd_(std::move(fd)), name_(std::move(name)) {}

    Result<std::size_t> read(std::span<char> out) override {
        for (;;) {
            const ssize_t n = ::read(fd_.get(), out.data(), out.size());
            if (n >= 0) {
                return static_cast<std::size_t>(n);
            }
            if (errno != EINTR) {
                return fail_errno(Exit::io, name_, "cannot read", errno);
            }
        }
    }
    const std::string& name() const override { return name_; }
    const std::vector<std::string>& notes() const override { return notes_; }

  private:
    Fd fd_;
    std::string name_;
    std::vector<std::string> notes_;
};

bool starts_with(std::string_view head, std::string_view magic) {
    return head.substr(0, magic.size()) == magic;
}

bool is_packed(std::string_view head) {
    using namespace std::string_view_literals;
    const bool is_tar = head.size() >= 262 && head.substr(257, 5) == "ustar"sv;
    return is_tar || starts_with(head, "PK\3\4"sv) || starts_with(head, "\x1f\x8b"sv) ||
           starts_with(head, "\x28\xb5\x2f\xfd"sv) || starts_with(head, "\xfd\x37zXZ"sv) ||
           starts_with(head, "BZh"sv);
}

#ifdef FAULTLINE_HAVE_ARCHIVE
class ArchiveInput final : public Input {
  public:
    explicit ArchiveInput(std::string name) : name_(std::move(name)), archive_(::archive_read_new()) {
        ::archive_read_support_filter_all(archive_);
        ::archive_read_support_format_zip(archive_);
        ::archive_read_support_format_tar(archive_);
        ::archive_read_support_format_raw(archive_);
    }
    ~ArchiveInput() override { ::archive_read_free(archive_); }
    ArchiveInput(const ArchiveInput&) = delete;
    ArchiveInput& operator=(const ArchiveInput&) = delete;

    Result<void> open() {
        const std::string path = name_;
        if (::archive_read_open_filename(archive_, path.c_str(), 1 << 16) != ARCHIVE_OK) {
            return broken();
        }
        archive_entry* entry = nullptr;
        for (;;) {
            const int status = ::archive_read_next_header(archive_, &entry);
            if (status == ARCHIVE_EOF) {
                return fail(Exit::data, name_, "holds no file", "pack one trace into the archive");
            }
            if (status != ARCHIVE_OK && status != ARCHIVE_WARN) {
                return broken();
            }
            if (::archive_format(archive_) == ARCHIVE_FORMAT_RAW) {
                return {};
            }
            if (::archive_entry_filetype(entry) == AE_IFREG) {
                const char* member = ::archive_entry_pathname(entry);
                name_ += std::string("!") + (member != nullptr ? member : "?");
                is_container_ = true;
                return {};
            }
        }
    }

    Result<std::size_t> read(std::span<char> out) override {
        const la_ssize_t n = ::archive_read_data(archive_, out.data(), out.size());
        if (n < 0) {
            return broken();
        }
        if (n == 0 && is_container_) {
            is_container_ = false;
            note_further_members();
        }
        return static_cast<std::size_t>(n);
    }
    const std::string& name() const override { return name_; }
    const std::vector<std::string>& notes() const override { return notes_; }

  private:
    tl::unexpected<Error> broken() const {
        const char* why = ::archive_error_string(archive_);
        return fail(Exit::data, name_,
                    std::string("cannot unpack: ") + (why != nullptr ? why : "broken archive"),
                    "the file is cut or damaged: fetch or pack it again");
    }
    void note_further_members() {
        archive_entry* entry = nullptr;
        std::size_t further = 0;
        while (::archive_read_next_header(archive_, &entry) == ARCHIVE_OK) {
            further += ::archive_entry_filetype(entry) == AE_IFREG ? 1 : 0;
        }
        if (further != 0) {
            notes_.push_back("left out " + std::to_string(further) + " further file(s) of the archive");
        }
    }

    std::string name_;
    archive* archive_;
    bool is_container_ = false;
    std::vector<std::string> notes_;
};
#endif

} // namespace

Result<std::unique_ptr<Input>> open_input(const std::filesystem::path& path) {
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) {
        return fail_errno(Exit::no_input, path.string(), "cannot open", errno, "check the path of the trace");
    }
    struct stat status {};
    if (::fstat(fd.get(), &status) == 0 && S_ISDIR(status.st_mode)) {
        return fail(Exit::no_input, path.string(), "is a directory", "name a trace file");
    }
    char head[512];
    const ssize_t n = ::pread(fd.get(), head, sizeof head, 0);
    if (n > 0 && is_packed(std::string_view(head, static_cast<std::size_t>(n)))) {
#ifdef FAULTLINE_HAVE_ARCHIVE
        auto packed = std::make_unique<ArchiveInput>(path.string());
        if (auto opened = packed->open(); !opened) {
            return tl::unexpected(opened.error());
        }
        return packed;
#else
        return fail(Exit::unavailable, path.string(), "is packed, and this build cannot unpack",
                    "install libarchive-dev and build again, or unpack the file");
#endif
    }
    return std::make_unique<PlainInput>(std::move(fd), path.string());
}

Result<bool> LineReader::fill() {
    if (ended_) {
        return false;
    }
    if (begin_ != 0) {
        std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
    }
    const Result<std::size_t> n = input_->read(std::span(buffer_).subspan(end_));
    if (!n) {
        return tl::unexpected(n.error());
    }
    end_ += *n;
    ended_ = *n == 0;
    return !ended_;
}

Result<std::string_view> LineReader::peek(std::size_t bytes) {
    while (end_ - begin_ < bytes) {
        const Result<bool> more = fill();
        if (!more) {
            return tl::unexpected(more.error());
        }
        if (!*more) {
            break;
        }
    }
    return std::string_view(buffer_.data() + begin_, std::min(bytes, end_ - begin_));
}

Result<std::string> LineReader::rest(std::size_t limit) {
    std::string all;
    do {
        all.append(buffer_.data() + begin_, end_ - begin_);
        begin_ = end_;
        if (all.size() > limit) {
            return fail(Exit::data, input_->name(), "more than " + std::to_string(limit) + " bytes",
                        "cut the trace into parts");
        }
        const Result<bool> more = fill();
        if (!more) {
            return tl::unexpected(more.error());
        }
    } while (end_ != begin_);
    return all;
}

Result<bool> LineReader::next(std::string_view& line) {
    std::size_t searched = 0;
    for (;;) {
        const char* from = buffer_.data() + begin_;
        const void* newline = std::memchr(from + searched, '\n', end_ - begin_ - searched);
        if (newline != nullptr) {
            line = std::string_view(from, static_cast<std::size_t>(static_cast<const char*>(newline) - from));
            begin_ += line.size() + 1;
            break;
        }
        searched = end_ - begin_;
        if (searched <= line_limit) {
            const Result<bool> more = fill();
            if (!more) {
                return tl::unexpected(more.error());
            }
            if (*more) {
                continue;
            }
        }
        if (searched == 0) {
            return false;
        }
        line = std::string_view(buffer_.data() + begin_, searched);
        begin_ = end_;
        break;
    }
    ++line_number_;
    if (line.size() > line_limit) {
        return fail(Exit::data, input_->name() + ":" + std::to_string(line_number_),
                    "a line of more than " + std::to_string(line_limit) + " bytes",
                    "this is not a text trace");
    }
    return true;
}

} // namespace faultline::trace
