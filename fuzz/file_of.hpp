// Bytes as a file that a reader can be given the path of; no disk is touched.
#pragma once

#include "base/fd.hpp"

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <sys/mman.h>

namespace faultline::fuzz {

class FileOf {
  public:
    FileOf(const std::uint8_t* data, std::size_t size) : fd_(::memfd_create("fuzz", 0)) {
        if (!fd_ || ::write(fd_.get(), data, size) != static_cast<ssize_t>(size)) {
            std::abort();
        }
    }
    std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(fd_.get()); }

  private:
    Fd fd_;
};

} // namespace faultline::fuzz
