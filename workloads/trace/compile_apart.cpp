#include "workloads/trace/compile_apart.hpp"

#include "base/file.hpp"
#include "workloads/trace/compile.hpp"

#include <cerrno>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace faultline::trace {
namespace {

// In the child: its exit status is 0 or the error's, whose three texts are then in `fd`, each with a zero
// behind it.
[[noreturn]] void compile_into(int fd, const std::filesystem::path& trace, bool paced) {
    Error error;
    Result<std::unique_ptr<EventSource>> source = open_trace(trace);
    if (source) {
        const Result<void> compiled = compile(**source, fd, {.paced = paced});
        if (compiled) {
            ::_exit(0);
        }
        error = compiled.error();
    } else {
        error = source.error();
    }
    const std::string text = error.where + '\0' + error.what + '\0' + error.remedy + '\0';
    (void)::pwrite(fd, text.data(), text.size(), 0);
    ::_exit(static_cast<int>(error.status));
}

tl::unexpected<Error> error_from(int fd, int status, const std::string& where) {
    char text[2048];
    const ssize_t n = ::pread(fd, text, sizeof text, 0);
    std::string parts[3];
    std::size_t part = 0;
    for (ssize_t i = 0; i < n && part < 3; ++i) {
        if (text[i] == '\0') {
            ++part;
        } else {
            parts[part] += text[i];
        }
    }
    if (part == 0) {
        return fail(Exit::software, where, "the compiler of traces ended without a word");
    }
    return fail(static_cast<Exit>(status), parts[0], parts[1], parts[2]);
}

} // namespace

Result<Fd> compile_apart(const std::filesystem::path& trace, bool paced) {
    Result<Fd> unnamed = unnamed_file(spill_folder());
    Fd file = unnamed ? *std::move(unnamed) : Fd(::memfd_create("faultline-program", MFD_CLOEXEC));
    const pid_t child = file ? ::fork() : -1;
    if (child < 0) {
        return fail_errno(Exit::os, trace.string(), "cannot start the compiler of traces", errno);
    }
    if (child == 0) {
        compile_into(file.get(), trace, paced);
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return file;
    }
    return error_from(file.get(), WIFEXITED(status) ? WEXITSTATUS(status) : 0, trace.string());
}

} // namespace faultline::trace
