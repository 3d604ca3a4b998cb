#include "base/error.hpp"

#include <cstdio>
#include <cstring>

namespace faultline {
namespace {

void append_printable(std::string& out, const std::string& text) {
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) {
            char escaped[5];
            std::snprintf(escaped, sizeof escaped, "\\x%02x", byte);
            out += escaped;
        } else {
            out += c;
        }
    }
}

} // namespace

std::string Error::line() const {
    std::string out;
    if (!where.empty()) {
        append_printable(out, where);
        out += ": ";
    }
    append_printable(out, what);
    if (!remedy.empty()) {
        out += "; ";
        append_printable(out, remedy);
    }
    return out;
}

tl::unexpected<Error> fail_errno(Exit status, std::string where, std::string what, int errno_value,
                                 std::string remedy) {
    what += ": ";
    what += strerrordesc_np(errno_value) ? strerrordesc_np(errno_value) : "unknown error";
    return fail(status, std::move(where), std::move(what), std::move(remedy));
}

} // namespace faultline
