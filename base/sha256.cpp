#include "base/sha256.hpp"

#include "base/file.hpp"

#include <openssl/sha.h>

namespace faultline {

std::string sha256(std::string_view content) {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    ::SHA256(reinterpret_cast<const unsigned char*>(content.data()), content.size(), digest);
    static constexpr char digits[] = "0123456789abcdef";
    std::string hex;
    hex.reserve(2 * sizeof digest);
    for (const unsigned char byte : digest) {
        hex += digits[byte >> 4];
        hex += digits[byte & 15];
    }
    return hex;
}

Result<std::string> sha256_of_file(const std::filesystem::path& path) {
    return read_file(path).map([](const std::string& content) { return sha256(content); });
}

} // namespace faultline
