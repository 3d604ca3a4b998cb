// No bug: what must never be accused.
#include "allocators/broken/tiny.hpp"

namespace {

struct Bug : tiny::NoBug {};

} // namespace

#include "allocators/broken/backend.inl"
