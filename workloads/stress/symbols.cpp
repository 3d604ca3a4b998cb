#include "workloads/stress/symbols.hpp"

#include "workloads/engine/object.hpp"

namespace faultline::stress {

std::string answered_by(const char* symbol) {
    return engine::object_of(::dlsym(RTLD_DEFAULT, symbol));
}

bool answered_by_allocator(const char* symbol) {
    return answered_by(symbol) == answered_by("malloc");
}

} // namespace faultline::stress
