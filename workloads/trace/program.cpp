#include "workloads/trace/program.hpp"

#include "workloads/trace/crc32.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace faultline::trace {
namespace {

bool fits(std::uint64_t offset, std::uint64_t count, std::uint64_t size_of_one, std::uint64_t size) {
    return offset <= size && count <= (size - offset) / size_of_one;
}

// The replayer trusts words: each is checked once here, so that no file can make it write outside of its slots or, of a
// streamed one, read beyond what it has read in.
class WordCheck {
  public:
    WordCheck(std::uint32_t slots, std::uint64_t edges, bool streamed)
        : slots_(slots), edges_(edges), streamed_(streamed) {}

    // The next words of a thread; false when they are not sound.
    bool take(std::span<const std::uint64_t> words) {
        for (const std::uint64_t word : words) {
            if (!is_sound(word) || (streamed_ && since_poll_ > most_poll_distance)) {
                return false;
            }
            before_ = step_of(word);
            ends_ = before_ == Step::end ? ends_ + 1 : 0;
            since_poll_ = before_ == Step::poll || before_ == Step::end ? 0 : since_poll_ + 1;
        }
        return true;
    }
    bool is_ended() const { return ends_ > look_ahead; }

  private:
    bool is_sound(std::uint64_t word) const {
        const Step step = step_of(word);
        switch (step) {
        case Step::end:
        case Step::param:
        case Step::wide:
        case Step::free_null:
        case Step::poll:
        case Step::at:
            return true;
        case Step::take_free:
            return argument_of(word) < edges_;
        case Step::give: // it reads the operation before it for the block's size
            return before_ >= Step::malloc && argument_of(word) < edges_ && slot_of(word) < slots_;
        case Step::take:
            return argument_of(word) < edges_ && slot_of(word) < slots_;
        default:
            return static_cast<unsigned>(step) <= step_last && slot_of(word) < slots_;
        }
    }

    std::uint32_t slots_;
    std::uint64_t edges_;
    bool streamed_;
    Step before_ = Step::end;
    std::uint64_t ends_ = 0;
    std::uint64_t since_poll_ = 0;
};

// Each thread has an end of its own and waits for earlier ends than that: so no two wait for each other.
bool is_sound_order(std::span<const ProgramThread> threads) {
    std::vector<bool> taken(threads.size());
    for (const ProgramThread& thread : threads) {
        if (thread.end_rank >= threads.size() || taken[thread.end_rank] || thread.after > thread.end_rank) {
            return false;
        }
        taken[thread.end_rank] = true;
    }
    return true;
}

bool is_sound_leftover(const Leftover& leftover, std::uint32_t slots) {
    const auto release = static_cast<Step>(leftover.release);
    return leftover.slot < slots && leftover.release <= step_last &&
           (release == Step::free || release == Step::op_delete || release == Step::op_delete_aligned) &&
           leftover.alignment_log2 < 48;
}

// Calls take(bytes) for one piece of the file after the other, in its order, until it returns false: what is looked at
// this way does not stay in memory, as it would through a mapping. False with errno when the file cannot be read.
template <typename Take>
bool for_each_piece(int fd, std::uint64_t offset, std::uint64_t bytes, Take take) {
    alignas(64) char piece[1 << 16];
    while (bytes > 0) {
        const ssize_t n =
            ::pread(fd, piece, std::min<std::uint64_t>(bytes, sizeof piece), static_cast<off_t>(offset));
        if (n == 0) {
            errno = EIO; // it has become shorter
        }
        if (n <= 0 && !(n < 0 && errno == EINTR)) {
            return false;
        }
        // Whole words: the offset is a multiple of 64, and so is what a page cache gives.
        const auto whole = static_cast<std::uint64_t>(n > 0 ? n : 0);
        const std::uint64_t used = whole == bytes ? whole : whole / 64 * 64;
        if (used > 0 && !take(std::string_view(piece, used))) {
            return true;
        }
        offset += used;
        bytes -= used;
    }
    return true;
}

tl::unexpected<Error> damaged(const std::string& name, std::string what) {
    return fail(Exit::data, name, std::move(what), "remove the file: it is made again from its trace");
}

// A header that says what it is, of a file of `size` bytes.
Result<ProgramHeader> header_of(int fd, const std::string& name, std::uint64_t size) {
    ProgramHeader header{};
    if (size < sizeof header || ::pread(fd, &header, sizeof header, 0) != sizeof header) {
        return damaged(name, "too short for a compiled trace");
    }
    if (std::memcmp(header.magic, program_magic, sizeof program_magic) != 0) {
        return damaged(name, "not a compiled trace");
    }
    if (header.version != program_version) {
        return damaged(name, "a compiled trace of another version");
    }
    if (header.file_bytes != size || !fits(sizeof header, header.threads, sizeof(ProgramThread), size)) {
        return damaged(name, "a compiled trace that is cut or damaged");
    }
    return header;
}

Result<Fd> open_file(const std::filesystem::path& path) {
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) {
        return fail_errno(Exit::no_input, path.string(), "cannot open", errno, "check the path of the trace");
    }
    return fd;
}

std::uint64_t size_of(int fd) {
    struct stat status {};
    return ::fstat(fd, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

} // namespace

Program::Program(Program&& other) noexcept
    : fd_(std::move(other.fd_)), base_(std::exchange(other.base_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

Program::~Program() {
    if (base_ != nullptr) {
        ::munmap(const_cast<char*>(base_), size_);
    }
}

bool Program::is_program(const std::filesystem::path& path) {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    char magic[sizeof program_magic];
    return fd && ::pread(fd.get(), magic, sizeof magic, 0) == sizeof magic &&
           std::memcmp(magic, program_magic, sizeof magic) == 0;
}

Result<ProgramHeader> Program::read_header(const std::filesystem::path& path) {
    const Result<Fd> fd = open_file(path);
    if (!fd) {
        return tl::unexpected(fd.error());
    }
    return header_of(fd->get(), path.string(), size_of(fd->get()));
}

Result<Program> Program::open(const std::filesystem::path& path) {
    Result<Fd> fd = open_file(path);
    if (!fd) {
        return tl::unexpected(fd.error());
    }
    return open(*std::move(fd), path.string());
}

Result<Program> Program::open(Fd fd, const std::string& name) {
    const std::uint64_t size = size_of(fd.get());
    const Result<ProgramHeader> header = header_of(fd.get(), name, size);
    if (!header) {
        return tl::unexpected(header.error());
    }
    const int populate = (header->flags & program_streamed) != 0 ? 0 : MAP_POPULATE;
    void* base = ::mmap(nullptr, size, PROT_READ, MAP_SHARED | populate, fd.get(), 0);
    if (base == MAP_FAILED) {
        return fail_errno(Exit::os, name, "cannot map", errno);
    }
    Program program(std::move(fd), static_cast<const char*>(base), size);
    if (std::string wrong = program.look_through(); !wrong.empty()) {
        return damaged(name, std::move(wrong));
    }
    return program;
}

std::string Program::look_through() const {
    const ProgramHeader& head = header();
    const std::uint64_t behind_table = sizeof head + threads().size_bytes();
    const auto look_at = [&](std::uint64_t offset, std::uint64_t bytes, auto take) {
        return is_streamed() ? for_each_piece(fd(), offset, bytes, take)
                             : (take({base_ + offset, bytes}), true);
    };
    std::uint32_t sum = 0;
    bool is_read = look_at(behind_table, size_ - behind_table, [&](std::string_view piece) {
        sum = crc32(piece.data(), piece.size(), sum);
        return true;
    });
    if (!is_read) {
        return std::string("a compiled trace that cannot be read: ") + std::strerror(errno);
    }
    if (head.checksum != crc32(threads().data(), threads().size_bytes(), sum)) {
        return "a compiled trace that is cut or damaged";
    }
    bool is_sound = fits(head.notes_offset, head.notes_bytes, 1, size_) && head.edges < saturated &&
                    is_sound_order(threads());
    for (std::size_t i = 0; is_sound && i < threads().size(); ++i) {
        const ProgramThread& thread = threads()[i];
        is_sound = thread.slots <= max_slots && thread.words_offset % 64 == 0 &&
                   thread.leftovers_offset % 64 == 0 && fits(thread.words_offset, thread.words, 8, size_) &&
                   fits(thread.leftovers_offset, thread.leftovers, sizeof(Leftover), size_);
        if (!is_sound) {
            break;
        }
        WordCheck check(thread.slots, head.edges, is_streamed());
        is_read = look_at(thread.words_offset, thread.words * 8, [&](std::string_view piece) {
            is_sound = check.take({reinterpret_cast<const std::uint64_t*>(piece.data()), piece.size() / 8});
            return is_sound;
        });
        is_sound = is_sound && is_read && check.is_ended();
        for (std::uint64_t k = 0; is_sound && k < thread.leftovers; ++k) {
            is_sound = is_sound_leftover(leftovers(thread)[k], thread.slots);
        }
    }
    return is_sound ? "" : "a compiled trace with contents out of bounds";
}

std::span<const ProgramThread> Program::threads() const {
    return {reinterpret_cast<const ProgramThread*>(base_ + sizeof(ProgramHeader)), header().threads};
}

const std::uint64_t* Program::words(const ProgramThread& thread) const {
    return reinterpret_cast<const std::uint64_t*>(base_ + thread.words_offset);
}

std::span<const Leftover> Program::leftovers(const ProgramThread& thread) const {
    return {reinterpret_cast<const Leftover*>(base_ + thread.leftovers_offset), thread.leftovers};
}

std::string_view Program::notes() const {
    return {base_ + header().notes_offset, header().notes_bytes};
}

std::uint64_t Program::resident_bytes() const {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    std::uint64_t bytes = size_;
    for (const ProgramThread& thread : is_streamed() ? threads() : std::span<const ProgramThread>()) {
        bytes -= std::min(bytes, thread.words * sizeof(std::uint64_t));
    }
    return (bytes + page - 1) / page * page;
}

} // namespace faultline::trace
