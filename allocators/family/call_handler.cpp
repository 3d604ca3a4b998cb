// The one place of a preload library that knows exceptions: see malloc_family.inl. Compiled with -fexceptions; what that
// needs of the C++ runtime is weak, so that the library loads without one. A program that throws has it.
#include "allocators/family/call_handler.hpp"

__asm__(".weak __gxx_personality_v0\n.weak __cxa_begin_catch\n.weak __cxa_end_catch\n.weak _Unwind_Resume\n"
        ".weak _ZSt9terminatev\n");

namespace family {

bool call_handler_quietly(std::new_handler handler) {
    try {
        handler();
    } catch (...) {
        return false;
    }
    return true;
}

} // namespace family
