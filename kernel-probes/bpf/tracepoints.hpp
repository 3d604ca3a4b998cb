// What a kernel's BTF says of its tracepoints.
#pragma once

#include <string_view>

struct btf;

namespace faultline::probes::bpf {

bool has_tracepoint(const btf* kernel, std::string_view tracepoint);

// Of a tracepoint's argument, the first being 0: "int", "size_t", ... without `const`; "" for a pointer, and where there is none.
std::string_view type_of_argument(const btf* kernel, std::string_view tracepoint, unsigned index);

} // namespace faultline::probes::bpf
