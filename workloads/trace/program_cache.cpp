#include "workloads/trace/program_cache.hpp"

#include "base/file.hpp"
#include "base/sha256.hpp"
#include "workloads/trace/compile.hpp"

namespace faultline::trace {

Result<std::filesystem::path> ensure_program(const std::filesystem::path& trace,
                                             const std::filesystem::path& cache_dir, bool paced) {
    if (Program::is_program(trace)) {
        return trace;
    }
    const Result<std::string> hash = sha256_of_file(trace);
    if (!hash) {
        return tl::unexpected(hash.error());
    }
    const std::filesystem::path program =
        cache_dir / (hash->substr(0, 32) + "-" + std::to_string(program_version) + (paced ? "-paced" : "") +
                     ".flprogram");
    if (Program::open(program)) { // a damaged one is made again
        return program;
    }
    std::error_code error;
    std::filesystem::create_directories(cache_dir, error);
    if (error) {
        return fail(Exit::cannot_create, cache_dir.string(), "cannot create: " + error.message(),
                    "choose another cache folder with XDG_CACHE_HOME");
    }
    Result<std::unique_ptr<EventSource>> source = open_trace(trace);
    if (!source) {
        return tl::unexpected(source.error());
    }
    const auto fill = [&](int fd) { return compile(**source, fd, {.folder = cache_dir, .paced = paced}); };
    if (auto written = write_file_atomically(program, fill); !written) {
        return tl::unexpected(written.error());
    }
    return program;
}

} // namespace faultline::trace
