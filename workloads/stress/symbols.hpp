// Who answers which function of the malloc family in this process.
#pragma once

#include <dlfcn.h>
#include <string>

namespace faultline::stress {

// The file that answers the symbol, as the linker knows it ("malloc", "_Znwm"); "" when nobody does.
std::string answered_by(const char* symbol);

// The same file answers malloc.
bool answered_by_allocator(const char* symbol);

// A function that need not exist; null then.
template <typename Function>
Function* optional_function(const char* symbol) {
    return reinterpret_cast<Function*>(::dlsym(RTLD_DEFAULT, symbol));
}

} // namespace faultline::stress
