#include "kernel-probes/bpf/tracepoints.hpp"

#include <bpf/btf.h>
#include <fmt/format.h>

namespace faultline::probes::bpf {
namespace {

// Its typedef of a pointer to a function, which takes what the tracepoint gives; negative where there is none.
int hook_of(const btf* kernel, std::string_view tracepoint) {
    return btf__find_by_name_kind(kernel, fmt::format("btf_trace_{}", tracepoint).c_str(), BTF_KIND_TYPEDEF);
}

} // namespace

bool has_tracepoint(const btf* kernel, std::string_view tracepoint) {
    return hook_of(kernel, tracepoint) >= 0;
}

std::string_view type_of_argument(const btf* kernel, std::string_view tracepoint, unsigned index) {
    const int hook = hook_of(kernel, tracepoint);
    const btf_type* pointer =
        hook < 0 ? nullptr : btf__type_by_id(kernel, btf__type_by_id(kernel, static_cast<__u32>(hook))->type);
    const btf_type* function = pointer == nullptr ? nullptr : btf__type_by_id(kernel, pointer->type);
    if (function == nullptr || !btf_is_func_proto(function) || btf_vlen(function) <= index + 1) {
        return "";
    }
    const btf_type* type =
        btf__type_by_id(kernel, btf_params(function)[index + 1].type); // behind the hook's own data
    return type == nullptr || btf_is_ptr(type) ? "" : btf__name_by_offset(kernel, type->name_off);
}

} // namespace faultline::probes::bpf
