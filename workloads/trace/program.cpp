#include "workloads/trace/program.hpp"

#include "base/fd.hpp"
#include "workloads/trace/crc32.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace faultline::trace {
namespace {

bool fits(std::uint64_t offset, std::uint64_t count, std::uint64_t size_of_one, std::uint64_t size) {
    return offset <= size && count <= (size - offset) / size_of_one;
}

// The replayer trusts words: each is checked once here, so that no file can make it write outside of its
// slots.
bool words_are_sound(const std::uint64_t* words, std::uint64_t count, std::uint32_t slots,
                     std::uint64_t edges) {
    if (count <= look_ahead) {
        return false;
    }
    for (std::uint64_t i = count - 1 - look_ahead; i < count; ++i) {
        if (step_of(words[i]) != Step::end) {
            return false;
        }
    }
    for (std::uint64_t i = 0; i < count; ++i) {
        const Step step = step_of(words[i]);
        switch (step) {
        case Step::end:
        case Step::param:
        case Step::wide:
        case Step::free_null:
        case Step::poll:
            break;
        case Step::take_free:
            if (argument_of(words[i]) >= edges) {
                return false;
            }
            break;
        case Step::give:
            // It reads the operation before it for the block's size.
            if (i == 0 || step_of(words[i - 1]) < Step::malloc) {
                return false;
            }
            [[fallthrough]];
        case Step::take:
            if (argument_of(words[i]) >= edges) {
                return false;
            }
            [[fallthrough]];
        default:
            if (static_cast<unsigned>(step) > step_last || slot_of(words[i]) >= slots) {
                return false;
            }
        }
    }
    return true;
}

bool is_sound_leftover(const Leftover& leftover, std::uint32_t slots) {
    const auto release = static_cast<Step>(leftover.release);
    return leftover.slot < slots && leftover.release <= step_last &&
           (release == Step::free || release == Step::op_delete || release == Step::op_delete_aligned) &&
           leftover.alignment_log2 < 48;
}

} // namespace

Program::Program(Program&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)), size_(std::exchange(other.size_, 0)) {}

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

Result<Program> Program::map(const std::filesystem::path& path) {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) {
        return fail_errno(Exit::no_input, path.string(), "cannot open", errno, "check the path of the trace");
    }
    return map(fd.get(), path.string());
}

Result<Program> Program::map(int fd, const std::string& name) {
    const auto damaged = [&](const char* what) {
        return fail(Exit::data, name, what, "remove the file: it is made again from its trace");
    };
    struct stat status {};
    if (::fstat(fd, &status) != 0 || status.st_size < static_cast<off_t>(sizeof(ProgramHeader))) {
        return damaged("too short for a compiled trace");
    }
    const auto size = static_cast<std::size_t>(status.st_size);
    void* base = ::mmap(nullptr, size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (base == MAP_FAILED) {
        return fail_errno(Exit::os, name, "cannot map", errno);
    }
    Program program(static_cast<const char*>(base), size);
    const ProgramHeader& header = program.header();
    if (std::memcmp(header.magic, program_magic, sizeof program_magic) != 0) {
        return damaged("not a compiled trace");
    }
    if (header.version != program_version) {
        return damaged("a compiled trace of another version");
    }
    if (header.file_bytes != size ||
        header.checksum != crc32(program.base_ + sizeof header, size - sizeof header)) {
        return damaged("a compiled trace that is cut or damaged");
    }
    bool is_sound = fits(sizeof header, header.threads, sizeof(ProgramThread), size) &&
                    fits(header.notes_offset, header.notes_bytes, 1, size) && header.edges < saturated;
    if (is_sound) {
        for (const ProgramThread& thread : program.threads()) {
            is_sound = is_sound && thread.slots <= max_slots && thread.words_offset % 64 == 0 &&
                       thread.leftovers_offset % 64 == 0 &&
                       fits(thread.words_offset, thread.words, 8, size) &&
                       fits(thread.leftovers_offset, thread.leftovers, sizeof(Leftover), size) &&
                       words_are_sound(program.words(thread), thread.words, thread.slots, header.edges);
            for (std::uint64_t i = 0; is_sound && i < thread.leftovers; ++i) {
                is_sound = is_sound_leftover(program.leftovers(thread)[i], thread.slots);
            }
        }
    }
    if (!is_sound) {
        return damaged("a compiled trace with contents out of bounds");
    }
    return program;
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
    return (size_ + page - 1) / page * page;
}

} // namespace faultline::trace
