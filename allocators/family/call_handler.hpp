// For operator new (std::nothrow), which may call a handler that throws but must not let that through.
#pragma once

#include <new>

namespace family {

// False when the handler ended by an exception, which is dropped.
bool call_handler_quietly(std::new_handler handler);

} // namespace family
