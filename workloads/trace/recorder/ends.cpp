// Ends of a process that run no destructors: exec, which leaves nothing of this image, and _exit. What the
// buffers hold is written out before.
#include "workloads/trace/recorder/recorder.hpp"

#include <cstdarg>
#include <cstring>
#include <dlfcn.h>
#include <unistd.h>

#define FAULTLINE_EXPORT extern "C" __attribute__((visibility("default")))

namespace faultline::trace::recorder {
namespace {

template <typename Function>
Function next(const char* name) {
    void* symbol = ::dlsym(RTLD_NEXT, name);
    Function function = nullptr;
    std::memcpy(&function, &symbol, sizeof symbol);
    return function;
}

std::size_t count_arguments(va_list from) {
    va_list copy;
    va_copy(copy, from);
    std::size_t count = 1;
    while (va_arg(copy, char*) != nullptr) {
        ++count;
    }
    va_end(copy);
    return count;
}

// The words of execl(): `first` and what follows it, with the closing NULL.
void fill_arguments(char** words, const char* first, va_list* from) {
    *words++ = const_cast<char*>(first);
    while ((*words++ = va_arg(*from, char*)) != nullptr) {
    }
}

} // namespace
} // namespace faultline::trace::recorder

using namespace faultline::trace::recorder;

FAULTLINE_EXPORT int execve(const char* path, char* const* words, char* const* environment) {
    write_out_all();
    return next<decltype(&execve)>("execve")(path, words, environment);
}

FAULTLINE_EXPORT int execv(const char* path, char* const* words) {
    return execve(path, words, environ);
}

FAULTLINE_EXPORT int execvpe(const char* file, char* const* words, char* const* environment) {
    write_out_all();
    return next<decltype(&execvpe)>("execvpe")(file, words, environment);
}

FAULTLINE_EXPORT int execvp(const char* file, char* const* words) {
    return execvpe(file, words, environ);
}

FAULTLINE_EXPORT int fexecve(int fd, char* const* words, char* const* environment) {
    write_out_all();
    return next<decltype(&fexecve)>("fexecve")(fd, words, environment);
}

FAULTLINE_EXPORT int execl(const char* path, const char* first, ...) {
    va_list from;
    va_start(from, first);
    auto** words = static_cast<char**>(__builtin_alloca((count_arguments(from) + 1) * sizeof(char*)));
    fill_arguments(words, first, &from);
    va_end(from);
    return execv(path, words);
}

FAULTLINE_EXPORT int execlp(const char* file, const char* first, ...) {
    va_list from;
    va_start(from, first);
    auto** words = static_cast<char**>(__builtin_alloca((count_arguments(from) + 1) * sizeof(char*)));
    fill_arguments(words, first, &from);
    va_end(from);
    return execvp(file, words);
}

FAULTLINE_EXPORT int execle(const char* path, const char* first, ...) {
    va_list from;
    va_start(from, first);
    auto** words = static_cast<char**>(__builtin_alloca((count_arguments(from) + 1) * sizeof(char*)));
    fill_arguments(words, first, &from);
    char* const* environment = va_arg(from, char* const*);
    va_end(from);
    return execve(path, words, environment);
}

FAULTLINE_EXPORT void _exit(int status) {
    write_out_all();
    next<void (*)(int)>("_exit")(status);
    __builtin_unreachable();
}

FAULTLINE_EXPORT void _Exit(int status) { // NOLINT(readability-identifier-naming): C's name
    _exit(status);
}
