#include "allocators/registry/elf.hpp"

#include "base/fd.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <gelf.h>
#include <memory>
#include <string>

namespace faultline::registry {
namespace {

struct EndElf {
    void operator()(Elf* elf) const { ::elf_end(elf); }
};

struct Image {
    Fd fd;
    std::unique_ptr<Elf, EndElf> elf;
    GElf_Ehdr header{};
    int error = 0; // errno when it could not be opened
};

Image open_elf(const std::filesystem::path& path) {
    ::elf_version(EV_CURRENT);
    Image image;
    image.fd = Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!image.fd) {
        image.error = errno;
        return image;
    }
    image.elf.reset(::elf_begin(image.fd.get(), ELF_C_READ, nullptr));
    if (image.elf && (::elf_kind(image.elf.get()) != ELF_K_ELF ||
                      ::gelf_getehdr(image.elf.get(), &image.header) == nullptr)) {
        image.elf.reset();
    }
    return image;
}

std::string machine_name(const GElf_Ehdr& header) {
    const int bits = header.e_ident[EI_CLASS] == ELFCLASS64 ? 64 : 32;
    switch (header.e_machine) {
    case EM_X86_64:
        return bits == 64 ? "x86-64" : "x32";
    case EM_386:
        return "i386";
    case EM_AARCH64:
        return "aarch64";
    case EM_ARM:
        return "arm";
    case EM_RISCV:
        return fmt::format("riscv{}", bits);
    case EM_PPC64:
        return "ppc64";
    case EM_S390:
        return "s390";
    default:
        return fmt::format("ELF machine {} ({}-bit)", header.e_machine, bits);
    }
}

bool same_machine(const GElf_Ehdr& a, const GElf_Ehdr& b) {
    return a.e_machine == b.e_machine && a.e_ident[EI_CLASS] == b.e_ident[EI_CLASS] &&
           a.e_ident[EI_DATA] == b.e_ident[EI_DATA];
}

struct Exports {
    bool table = false; // a dynamic symbol table was there and could be read
    bool malloc = false;
    bool free = false;
};

Exports find_exports(Elf* elf) {
    Exports exports;
    for (Elf_Scn* section = nullptr; (section = ::elf_nextscn(elf, section)) != nullptr;) {
        GElf_Shdr header;
        if (::gelf_getshdr(section, &header) == nullptr || header.sh_type != SHT_DYNSYM ||
            header.sh_entsize == 0) {
            continue;
        }
        Elf_Data* data = ::elf_getdata(section, nullptr);
        if (data == nullptr) {
            continue;
        }
        exports.table = true;
        const auto count = static_cast<int>(data->d_size / header.sh_entsize);
        for (int index = 0; index < count; ++index) {
            GElf_Sym symbol;
            if (::gelf_getsym(data, index, &symbol) == nullptr || symbol.st_shndx == SHN_UNDEF ||
                GELF_ST_BIND(symbol.st_info) == STB_LOCAL) {
                continue;
            }
            const char* name = ::elf_strptr(elf, header.sh_link, symbol.st_name);
            if (name != nullptr) {
                exports.malloc |= std::strcmp(name, "malloc") == 0;
                exports.free |= std::strcmp(name, "free") == 0;
            }
        }
    }
    return exports;
}

} // namespace

Result<void> check_elf(const std::filesystem::path& path) {
    const std::string where = path.string();
    const Image image = open_elf(path);
    if (image.error != 0) {
        return fail_errno(Exit::no_input, where, "cannot open", image.error,
                          "check the path and its permissions");
    }
    if (!image.elf) {
        return fail(Exit::data, where, "is not an ELF file", "name a shared library (.so)");
    }
    if (const Image self = open_elf("/proc/self/exe"); self.elf && !same_machine(self.header, image.header)) {
        return fail(Exit::data, where,
                    fmt::format("is built for {}, faultline for {}", machine_name(image.header),
                                machine_name(self.header)),
                    "name a library for this machine");
    }
    if (image.header.e_type != ET_DYN) {
        return fail(Exit::data, where, "is not a shared object", "link it with -shared -fPIC");
    }
    const Exports exports = find_exports(image.elf.get());
    if (!exports.table) {
        return fail(Exit::data, where, "has no readable dynamic symbol table",
                    "it may be truncated: build or copy it again");
    }
    if (!exports.malloc || !exports.free) {
        const char* missing = exports.malloc ? "free" : exports.free ? "malloc" : "malloc and free";
        return fail(Exit::data, where, fmt::format("does not export {}", missing),
                    "name a library that replaces the malloc family");
    }
    return {};
}

} // namespace faultline::registry
