#include "workloads/apps/runner/proof.hpp"

#include "base/file.hpp"

#include <algorithm>
#include <cstring>
#include <elf.h>
#include <link.h>
#include <sys/stat.h>

namespace faultline::apps {
namespace {

std::string real_path(std::string_view path) {
    std::error_code error;
    const auto real = std::filesystem::canonical(path, error);
    return error ? std::string(path) : real.string();
}

bool add(std::string_view line, std::vector<Testimony>& out) {
    Testimony testimony;
    for (unsigned field = 0; !line.empty(); ++field) {
        const std::string_view text = line.substr(0, line.find('\t'));
        line.remove_prefix(std::min(line.size(), text.size() + 1));
        if (field == 1) {
            testimony.program = text;
        } else if (field > 1) {
            const std::size_t equals = text.find('=');
            if (equals == std::string_view::npos) {
                return false;
            }
            // The loader knows the program itself by the name it was started with, which means nothing here: "perl", or
            // "/proc/self/exe" of one that starts itself again.
            const std::string_view path = text.substr(equals + 1);
            const bool itself = !path.starts_with('/') || path.starts_with("/proc/self/");
            testimony.resolved[std::string(text.substr(0, equals))] =
                itself ? testimony.program : real_path(path);
        }
    }
    if (testimony.resolved.empty()) {
        return false;
    }
    if (std::find(out.begin(), out.end(), testimony) == out.end()) {
        out.push_back(std::move(testimony));
    }
    return true;
}

// A program without an interpreter is not started through the loader that reads LD_PRELOAD.
bool is_static(const std::string& program) {
    const auto image = read_file(program);
    ElfW(Ehdr) header;
    if (!image || image->size() < sizeof header) {
        return false;
    }
    std::memcpy(&header, image->data(), sizeof header);
    for (unsigned i = 0; i < header.e_phnum; ++i) {
        ElfW(Phdr) segment;
        const std::size_t at = header.e_phoff + std::size_t{i} * header.e_phentsize;
        if (at + sizeof segment > image->size()) {
            return false;
        }
        std::memcpy(&segment, image->data() + at, sizeof segment);
        if (segment.p_type == PT_INTERP) {
            return false;
        }
    }
    return true;
}

std::string why_silent(const std::string& program) {
    struct stat status {};
    if (::stat(program.c_str(), &status) == 0 && (status.st_mode & (S_ISUID | S_ISGID)) != 0) {
        return "it is set-uid or set-gid, so the loader takes no preloaded library from a path";
    }
    return is_static(program) ? "it is linked statically, so nothing can be preloaded into it"
                              : "it was started without LD_PRELOAD, or ended before its libraries were ready";
}

} // namespace

std::vector<Testimony> read_testimonies(std::string_view text) {
    std::vector<Testimony> all;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        add(line, all);
    }
    return all;
}

std::vector<std::string> unproved(const std::set<std::string>& programs,
                                  const std::vector<Testimony>& testimonies) {
    std::vector<std::string> silent;
    for (const std::string& program : programs) {
        const bool spoke = std::any_of(testimonies.begin(), testimonies.end(),
                                       [&](const Testimony& one) { return one.program == program; });
        if (!spoke) {
            silent.push_back(program + ": " + why_silent(program));
        }
    }
    return silent;
}

} // namespace faultline::apps
