#include "workloads/trace/recorder/output.hpp"

#include "workloads/trace/crc32.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef FAULTLINE_HAVE_ZSTD
#define ZSTD_STATIC_LINKING_ONLY // for a context in memory of our own
#include <zstd.h>
#endif

namespace faultline::trace::recorder {
namespace {

constexpr char variable[] = "FAULTLINE_RECORD_FILE=";
constexpr std::size_t raw_bytes = encoded_bound(buffer_events);
constexpr int low_descriptor = 500; // programs count on getting 3, 4, ... themselves
#ifdef FAULTLINE_HAVE_ZSTD
constexpr int level = 3;
#endif

} // namespace

bool Output::configure(char** environment) {
    for (char** entry = environment; entry != nullptr && *entry != nullptr; ++entry) {
        if (std::strncmp(*entry, variable, sizeof variable - 1) == 0) {
            const char* path = *entry + sizeof variable - 1;
            if (*path == '\0' || std::strlen(path) >= path_bytes) {
                return false;
            }
            std::strcpy(wanted_path_, path);
            return true;
        }
    }
    return false;
}

void Output::restart_in_child() {
    if (fd_ >= 0 && still_ours()) {
        ::close(fd_);
    }
    fd_ = -1;
    good_bytes_ = 0;
    is_forked_ = true;
}

void Output::write_events(const RawEvent* events, unsigned count, std::uint32_t thread) {
    if (has_given_up_ || count == 0 || (fd_ < 0 && !open_file())) {
        return;
    }
    BlockHeader header{};
    header.kind = BlockKind::events;
    header.thread = thread;
    encode(events, count, false, raw_, header);
    write_block(header, raw_);
}

void Output::write_end() {
    if (has_given_up_ || fd_ < 0) {
        return;
    }
    BlockHeader header{};
    header.kind = BlockKind::end;
    write_block(header, raw_);
}

bool Output::create(const char* path) {
    const int fd = ::open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) {
        return false;
    }
    const int high = ::fcntl(fd, F_DUPFD_CLOEXEC, low_descriptor);
    fd_ = high >= 0 ? high : fd;
    if (high >= 0) {
        ::close(fd);
    }
    struct stat status {};
    ::fstat(fd_, &status);
    device_ = status.st_dev;
    inode_ = status.st_ino;
    std::snprintf(path_, sizeof path_, "%s", path);
    return true;
}

// The first process of a recording gets the name itself, those after it NAME.PID.EXTENSION, and a process
// that execs again ….PID.2, ….PID.3.
bool Output::open_file() {
    raw_ = raw_ != nullptr ? raw_ : take_memory(raw_bytes);
    if (wanted_path_[0] == '\0' || raw_ == nullptr) {
        return false;
    }
    bool is_open = create(wanted_path_);
    const char* slash = std::strrchr(wanted_path_, '/');
    const char* dot = std::strrchr(slash != nullptr ? slash : wanted_path_, '.');
    const int stem =
        static_cast<int>(dot != nullptr ? dot - wanted_path_ : static_cast<long>(std::strlen(wanted_path_)));
    for (unsigned attempt = 1; !is_open && errno == EEXIST && attempt < 1000; ++attempt) {
        char path[sizeof path_];
        if (attempt == 1) {
            std::snprintf(path, sizeof path, "%.*s.%d%s", stem, wanted_path_, ::getpid(),
                          wanted_path_ + stem);
        } else {
            std::snprintf(path, sizeof path, "%.*s.%d.%u%s", stem, wanted_path_, ::getpid(), attempt,
                          wanted_path_ + stem);
        }
        is_open = create(path);
    }
    if (!is_open) {
        give_up("cannot create");
        return false;
    }
    FileHeader header{};
    std::memcpy(header.magic, file_magic, sizeof file_magic);
    header.version = format_version;
    header.header_bytes = sizeof header;
    header.flags = header_timed | header_recorded | (is_forked_ ? header_forked : 0);
    header.process = static_cast<std::uint32_t>(::getpid());
    header.started_unix = static_cast<std::uint64_t>(::time(nullptr));
    header.checksum = crc32(&header, offsetof(FileHeader, checksum));
    if (!write_bytes(&header, sizeof header)) {
        return false;
    }
    good_bytes_ = sizeof header;
    // The program's own name and nothing else of its command line, which may hold what is not to be
    // published.
    BlockHeader notes{};
    notes.kind = BlockKind::notes;
    notes.raw_bytes = static_cast<std::uint32_t>(std::snprintf(
        reinterpret_cast<char*>(raw_), raw_bytes, "program=%s\nrecorder=faultline " FAULTLINE_VERSION "\n",
        program_invocation_short_name));
    return write_block(notes, raw_);
}

bool Output::still_ours() const {
    struct stat status {};
    return ::fstat(fd_, &status) == 0 && status.st_dev == device_ && status.st_ino == inode_;
}

bool Output::write_block(BlockHeader& header, unsigned char* payload) {
    if (!still_ours()) {
        fd_ = ::open(path_, O_WRONLY | O_APPEND | O_CLOEXEC);
        if (fd_ < 0 || !still_ours()) {
            give_up("lost");
            return false;
        }
    }
    header.magic = block_magic;
    header.stored_bytes = header.raw_bytes;
#ifdef FAULTLINE_HAVE_ZSTD
    const std::size_t bound = ZSTD_compressBound(raw_bytes);
    if (packer_ == nullptr) {
        const std::size_t workspace_bytes = ZSTD_estimateCCtxSize(level);
        packed_ = take_memory(bound);
        void* workspace = take_memory(workspace_bytes);
        packer_ = workspace != nullptr ? ZSTD_initStaticCCtx(workspace, workspace_bytes) : nullptr;
    }
    if (packer_ != nullptr && packed_ != nullptr && header.raw_bytes != 0) {
        const std::size_t n = ZSTD_compressCCtx(static_cast<ZSTD_CCtx*>(packer_), packed_, bound, payload,
                                                header.raw_bytes, level);
        if (ZSTD_isError(n) == 0 && n < header.raw_bytes) {
            payload = packed_;
            header.packing = Packing::zstd;
            header.stored_bytes = static_cast<std::uint32_t>(n);
        }
    }
#endif
    header.payload_checksum = crc32(payload, header.stored_bytes);
    header.checksum = crc32(&header, offsetof(BlockHeader, checksum));
    if (!write_bytes(&header, sizeof header) || !write_bytes(payload, header.stored_bytes)) {
        return false;
    }
    good_bytes_ += sizeof header + header.stored_bytes;
    return true;
}

bool Output::write_bytes(const void* data, std::size_t size) {
    const auto* from = static_cast<const char*>(data);
    while (size != 0) {
        const ssize_t n = ::write(fd_, from, size);
        if (n < 0 && errno != EINTR) {
            const int cause = errno;
            // A reader would take half a block for damage.
            [[maybe_unused]] const int cut = ::ftruncate(fd_, static_cast<off_t>(good_bytes_));
            errno = cause;
            give_up("cannot write");
            return false;
        }
        if (n > 0) {
            from += n;
            size -= static_cast<std::size_t>(n);
        }
    }
    return true;
}

void Output::give_up(const char* what) {
    char line[path_bytes + 200];
    const char* why = strerrordesc_np(errno);
    const int n =
        std::snprintf(line, sizeof line, "faultline-record: %s: %s: %s; the program goes on unrecorded\n",
                      path_[0] != '\0' ? path_ : wanted_path_, what, why != nullptr ? why : "unknown error");
    [[maybe_unused]] const ssize_t said = ::write(STDERR_FILENO, line, static_cast<std::size_t>(n));
    has_given_up_ = true;
}

unsigned char* Output::take_memory(std::size_t bytes) {
    void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory != MAP_FAILED ? static_cast<unsigned char*>(memory) : nullptr;
}

} // namespace faultline::trace::recorder
