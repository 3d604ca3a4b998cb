// A folder for the files of one test, and a program's bytes as a string.
#pragma once

#include "base/file.hpp"
#include "workloads/trace/compile.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace faultline::trace::testing_support {

inline Result<std::string> compiled_bytes(EventSource& source, const CompileOptions& options = {}) {
    const Result<Fd> file = unnamed_file("/tmp");
    if (!file) {
        return tl::unexpected(file.error());
    }
    if (auto compiled = compile(source, file->get(), options); !compiled) {
        return tl::unexpected(compiled.error());
    }
    return read_file("/proc/self/fd/" + std::to_string(file->get()));
}

class TemporaryFolder {
  public:
    TemporaryFolder() {
        char name[] = "/tmp/faultline-trace-test-XXXXXX";
        path_ = ::mkdtemp(name);
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    const std::filesystem::path& path() const { return path_; }
    std::filesystem::path write(const std::string& name, const std::string& content) const {
        std::filesystem::remove(path_ /
                                name); // replacing in place makes some file systems flush, which is slow
        std::ofstream(path_ / name, std::ios::binary) << content;
        return path_ / name;
    }

  private:
    std::filesystem::path path_;
};

} // namespace faultline::trace::testing_support
