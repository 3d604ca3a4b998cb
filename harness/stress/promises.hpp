// Which misuses an allocator promises to stop, and of which checks it promises more than standards do. What nobody
// promises is shown and never held against it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace faultline::stress {

// `required`: patterns (catalog.hpp) of misuses that the user wants stopped by every allocator of the run.
bool promises_to_stop(std::string_view allocator, std::string_view misuse,
                      const std::vector<std::string>& required);

} // namespace faultline::stress
