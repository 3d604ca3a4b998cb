// One case of calls to malloc, repeated: what golden_instructions_test.sh counts the instructions of.
//
//   golden_instructions CASE REPETITIONS
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace {

// The compiler must neither see where a block comes from nor that nobody reads it.
void* volatile escaped;

void nothing() {
    escaped = nullptr;
}

void pair(size_t bytes) {
    escaped = malloc(bytes);
    free(escaped);
}

void pair16() {
    pair(16);
}

void pair2k() {
    pair(2048);
}

void pair200k() {
    pair(204800);
}

void calloc64() {
    escaped = calloc(1, 64);
    free(escaped);
}

// In class: the block stays where it is.
void realloc_in_class() {
    escaped = malloc(100);
    escaped = realloc(escaped, 110);
    free(escaped);
}

void aligned() {
    escaped = aligned_alloc(64, 64);
    free(escaped);
}

struct Case {
    const char* name;
    void (*run)();
};

constexpr Case cases[] = {{"nothing", nothing},   {"pair16", pair16},     {"pair2k", pair2k},
                          {"pair200k", pair200k}, {"calloc64", calloc64}, {"realloc", realloc_in_class},
                          {"aligned", aligned}};

// Blocks that another thread made, freed here: sheaves overflow into the barn. With what making them cost.
int foreign(long repetitions) {
    auto** blocks = static_cast<void**>(calloc(static_cast<size_t>(repetitions), sizeof(void*)));
    if (!blocks) {
        return EXIT_FAILURE;
    }
    std::thread([&] {
        for (long i = 0; i < repetitions; ++i) {
            blocks[i] = malloc(48);
        }
    }).join();
    for (long i = 0; i < repetitions; ++i) {
        free(blocks[i]);
    }
    free(blocks);
    return EXIT_SUCCESS;
}

} // namespace

int main(int argc, char** argv) {
    const long repetitions = argc == 3 ? atol(argv[2]) : 0;
    if (repetitions <= 0) {
        fputs("usage: golden_instructions CASE REPETITIONS\n", stderr);
        return 64;
    }
    if (strcmp(argv[1], "foreign") == 0) {
        return foreign(repetitions);
    }
    for (const Case& which : cases) {
        if (strcmp(argv[1], which.name) == 0) {
            for (long i = 0; i < repetitions; ++i) {
                which.run();
            }
            return EXIT_SUCCESS;
        }
    }
    fprintf(stderr, "golden_instructions: no case \"%s\"\n", argv[1]);
    return 64;
}
