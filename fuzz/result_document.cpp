// A result document: read and exported as `faultline export` does, or refused. A field of another type than the schema
// says is answered by an exception of the JSON library, which the command turns into its one line.
#include "fuzz/file_of.hpp"
#include "harness/results/csv.hpp"
#include "harness/results/google_benchmark.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace faultline;
    const fuzz::FileOf file(data, size);
    const auto document = results::read(file.path());
    if (!document) {
        return 0;
    }
    try {
        (void)results::to_csv(*document);
    } catch (const results::Json::exception&) {
    }
    try {
        (void)results::google_benchmark_layout(*document).dump();
    } catch (const results::Json::exception&) {
    }
    return 0;
}
