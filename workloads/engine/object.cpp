#include "workloads/engine/object.hpp"

#include <climits>
#include <cstdlib>
#include <dlfcn.h>

namespace faultline::engine {

std::string object_of(const void* address) {
    Dl_info info{};
    if (address == nullptr || dladdr(address, &info) == 0 || info.dli_fname == nullptr)
        return {};
    char real[PATH_MAX];
    return realpath(info.dli_fname, real) != nullptr ? real : info.dli_fname;
}

} // namespace faultline::engine
