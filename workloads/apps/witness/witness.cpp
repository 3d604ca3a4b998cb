// libfaultline-witness.so: preloaded behind the allocator into a program and all that it executes. Before main() it
// appends one line to the file that FAULTLINE_WITNESS names:
//
//   PID <tab> program <tab> malloc=FILE <tab> free=FILE ...      FILE: the object that answers a library's call
//
// and does nothing more. It allocates nothing. Where no line comes from a program, the loader did not obey LD_PRELOAD
// (a static program, a set-uid one, a cleaned environment).
//
// What a call reaches is read from this library's own jump slots, which the loader has filled. The address of a
// function would not do: in a program that is not position-independent it may be a stub of the program itself.
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <unistd.h>

// The compiler's and the linker's own names.
// NOLINTBEGIN(readability-identifier-naming)
extern "C" {
void* _Znwm(std::size_t)
    __attribute__((weak)); // operator new: only where the program has libstdc++ or the like
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));
}
// NOLINTEND(readability-identifier-naming)

namespace {

struct Symbol {
    const char* linker_name;
    const char* name; // as reports say
};
constexpr Symbol symbols[] = {
    {"malloc", "malloc"},   {"free", "free"},         {"calloc", "calloc"},
    {"realloc", "realloc"}, {"memalign", "memalign"}, {"_Znwm", "operator new"},
};

// Never true: makes the linker give each function a jump slot.
volatile bool call_them = false;

__attribute__((noinline)) void have_jump_slots() {
    if (call_them) {
        void* volatile block = std::malloc(1);
        std::free(block);
        block = std::calloc(1, 1);
        block = std::realloc(block, 2);
        block = memalign(64, 1);
        block = _Znwm(1);
    }
}

// The loader adds the load address to these entries on most machines, and leaves them alone on some.
const char* address_of(ElfW(Addr) value) {
    const auto base = reinterpret_cast<ElfW(Addr)>(&__ehdr_start);
    // NOLINTNEXTLINE(performance-no-int-to-ptr): the dynamic section holds addresses as numbers
    return reinterpret_cast<const char*>(value < base ? base + value : value);
}

struct Slots {
    const ElfW(Rela) * relocations = nullptr;
    std::size_t count = 0;
    const ElfW(Sym) * table = nullptr;
    const char* strings = nullptr;

    Slots() {
        for (const ElfW(Dyn)* entry = _DYNAMIC; entry->d_tag != DT_NULL; ++entry) {
            if (entry->d_tag == DT_JMPREL) {
                relocations = reinterpret_cast<const ElfW(Rela)*>(address_of(entry->d_un.d_ptr));
            } else if (entry->d_tag == DT_PLTRELSZ) {
                count = entry->d_un.d_val / sizeof(ElfW(Rela));
            } else if (entry->d_tag == DT_SYMTAB) {
                table = reinterpret_cast<const ElfW(Sym)*>(address_of(entry->d_un.d_ptr));
            } else if (entry->d_tag == DT_STRTAB) {
                strings = address_of(entry->d_un.d_ptr);
            }
        }
    }

    void* find(const char* name) const {
        for (std::size_t i = 0; i < count; ++i) {
            const auto symbol = relocations[i].r_info >> 32; // ELF64_R_SYM
            if (symbol != 0 && std::strcmp(strings + table[symbol].st_name, name) == 0) {
                const auto base = reinterpret_cast<ElfW(Addr)>(&__ehdr_start);
                // NOLINTNEXTLINE(performance-no-int-to-ptr): as above
                return *reinterpret_cast<void**>(base + relocations[i].r_offset);
            }
        }
        return nullptr;
    }
};

class Line {
  public:
    void add(const char* text) {
        const std::size_t bytes = std::strlen(text);
        if (used_ + bytes < sizeof text_) {
            std::memcpy(text_ + used_, text, bytes);
            used_ += bytes;
        }
    }
    void add_number(unsigned long number) {
        char digits[24];
        char* at = digits + sizeof digits;
        *--at = '\0';
        do {
            *--at = static_cast<char>('0' + number % 10);
            number /= 10;
        } while (number != 0);
        add(at);
    }
    void append_to(const char* path) {
        const int fd = ::open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
        if (fd >= 0) {
            // One write of a whole line: what other processes write does not mix with it. Nobody is there to tell of a
            // failure; the line that is missing will be noticed.
            [[maybe_unused]] const ssize_t written = ::write(fd, text_, used_);
            ::close(fd);
        }
    }

  private:
    char text_[8192];
    std::size_t used_ = 0;
};

__attribute__((constructor)) void witness() {
    const char* path = std::getenv("FAULTLINE_WITNESS");
    if (path == nullptr) {
        return;
    }
    have_jump_slots();
    Line line;
    line.add_number(static_cast<unsigned long>(::getpid()));
    char program[1024];
    const ssize_t bytes = ::readlink("/proc/self/exe", program, sizeof program - 1);
    program[bytes > 0 ? bytes : 0] = '\0';
    line.add("\t");
    line.add(program);
    const Slots slots;
    for (const Symbol& symbol : symbols) {
        Dl_info info{};
        void* const function = slots.find(symbol.linker_name);
        if (function == nullptr) {
            continue; // operator new of a program without C++
        }
        line.add("\t");
        line.add(symbol.name);
        line.add("=");
        if (::dladdr(function, &info) != 0 && info.dli_fname != nullptr) {
            line.add(info.dli_fname);
        }
    }
    line.add("\n");
    line.append_to(path);
}

} // namespace
