// Runs a target's entry point over files, for builds without libFuzzer.
#include "base/file.hpp"

#include <cstdint>
#include <cstdio>
#include <filesystem>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int argc, char** argv) {
    unsigned count = 0;
    for (int i = 1; i < argc; ++i) {
        for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
            const auto text = faultline::read_file(entry.path());
            if (!text) {
                std::fprintf(stderr, "%s\n", text.error().line().c_str());
                return 1;
            }
            LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(text->data()), text->size());
            ++count;
        }
    }
    std::printf("%u files\n", count);
    return count > 0 ? 0 : 1;
}
