// One misuse of malloc, named by its argument, for misuse_test.sh. Ends with 0 when nobody stopped it.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <malloc.h>
#include <thread>
#include <vector>

// Wrong arguments are what is tested; clang has no such warnings.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wfree-nonheap-object"
#pragma GCC diagnostic ignored "-Wuse-after-free"
#endif

namespace {

// The compiler must not see what is done here.
template <typename T>
T opaque(T value) {
    volatile T copy = value;
    return copy;
}
void* small() {
    return opaque(malloc(100));
}
char* bytes(void* block) {
    return static_cast<char*>(block);
}
int global = 0;
void* volatile kept;

struct Misuse {
    const char* name;
    void (*commit)();
};

const Misuse misuses[] = {
    {"double_free",
     [] {
         void* block = small();
         free(block);
         free(opaque(block));
     }},
    {"double_free_interleaved",
     [] {
         void* block = small();
         void* other = small();
         free(block);
         free(other);
         free(opaque(block));
     }},
    {"double_free_delayed",
     [] {
         void* block = small();
         free(block);
         std::vector<void*> others;
         others.reserve(1000);
         for (int i = 0; i < 1000; ++i) {
             others.push_back(malloc(200));
         }
         for (void* other : others) {
             free(other);
         }
         void* other = small(); // `block` again
         void* another = small();
         free(another);
         free(other);
         free(opaque(block));
     }},
    {"double_free_other_thread",
     [] {
         void* block = small();
         free(block);
         std::thread([block] { free(opaque(block)); }).join();
     }},
    {"double_free_large",
     [] {
         void* block = opaque(malloc(200000));
         free(block);
         free(opaque(block));
     }},
    {"double_free_huge",
     [] {
         void* block = opaque(malloc(size_t{50} << 20));
         free(block);
         free(opaque(block));
     }},
    {"free_interior", [] { free(bytes(small()) + 32); }},
    {"free_interior_large", [] { free(bytes(opaque(malloc(200000))) + 65536); }},
    {"free_misaligned", [] { free(bytes(small()) + 1); }},
    {"free_stack",
     [] {
         long local[4] = {};
         free(opaque(static_cast<void*>(&local[2])));
     }},
    {"free_global", [] { free(opaque(static_cast<void*>(&global))); }},
    {"free_foreign", [] { free(opaque(reinterpret_cast<void*>(uintptr_t{0x10000}))); }},
    {"free_noncanonical", [] { free(opaque(reinterpret_cast<void*>(uintptr_t{0xdeadbeefdeadbee0}))); }},
    {"realloc_freed_large",
     [] {
         void* block = opaque(malloc(200000));
         free(block);
         kept = realloc(opaque(block), 300000);
     }},
    {"usable_size_foreign", [] { kept = reinterpret_cast<void*>(malloc_usable_size(opaque(&global))); }},
    // Only the checked library knows of these for certain.
    {"realloc_freed_small",
     [] {
         void* block = small();
         free(block);
         kept = realloc(opaque(block), 300);
     }},
    {"usable_size_freed",
     [] {
         void* block = small();
         free(block);
         kept = reinterpret_cast<void*>(malloc_usable_size(opaque(block)));
     }},
};

} // namespace

int main(int argc, char** argv) {
    for (const Misuse& misuse : misuses) {
        if (argc == 2 && strcmp(argv[1], misuse.name) == 0) {
            misuse.commit();
            return 0;
        }
        if (argc == 1) {
            puts(misuse.name);
        }
    }
    return argc == 1 ? 0 : 64;
}
