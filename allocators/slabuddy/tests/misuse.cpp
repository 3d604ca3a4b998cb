// One misuse of malloc or of slabuddy.h, named by its argument, for misuse_test.sh. Ends with 0 when nobody stopped it.
// Without an argument: the names. Those that begin with debug_ are only found with SLABUDDY_OPTIONS=debug.
#include "allocators/slabuddy/slabuddy.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <malloc.h>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>
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
void set(char* at) {
    *const_cast<volatile char*>(at) = 1;
}
long global[8] = {};
void* volatile kept;

// The library is preloaded, not linked.
template <typename Function>
Function* from_library(const char* name) {
    return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
}
#define FROM_LIBRARY(name) from_library<decltype(name)>(#name)

sb_kmem_cache* cache(const char* name) {
    return FROM_LIBRARY(sb_kmem_cache_create)(name, 56, 0, 0, nullptr);
}
char* object(sb_kmem_cache* from) {
    return bytes(FROM_LIBRARY(sb_kmem_cache_alloc)(from, SB_GFP_KERNEL));
}
void* pages(unsigned order) {
    return FROM_LIBRARY(sb_alloc_pages)(SB_GFP_KERNEL, order);
}
void free_pages(void* block, unsigned order) {
    FROM_LIBRARY(sb_free_pages)(block, order);
}
void vfree(void* area) {
    FROM_LIBRARY(sb_vfree)(area);
}
void give(sb_kmem_cache* to, void* what) {
    FROM_LIBRARY(sb_kmem_cache_free)(to, what);
}

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
    // At once: nothing runs after the second free.
    {"double_free_interleaved",
     [] {
         void* block = small();
         void* other = small();
         free(block);
         free(other);
         free(opaque(block));
         _exit(0);
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
         _exit(0);
     }},
    {"double_free_other_thread",
     [] {
         void* block = small();
         free(block);
         std::thread([block] { free(opaque(block)); }).join();
         _exit(0);
     }},
    // The mark of the first free is written over, and only the checks at exit are left.
    {"double_free_at_quick_exit",
     [] {
         void* block = small();
         void* other = small();
         free(block);
         free(other);
         set(bytes(block) + 8);
         free(opaque(block));
         quick_exit(0);
     }},
    {"double_free_in_stock",
     [] {
         std::vector<void*> blocks(5000);
         for (void*& block : blocks) {
             block = small();
         }
         for (void* block : blocks) {
             free(block);
         }
         free(opaque(blocks[2000]));
         _exit(0);
     }},
    {"double_free_aligned",
     [] {
         void* block = opaque(aligned_alloc(4096, 4096));
         free(block);
         free(opaque(block));
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
    {"free_interior_huge", [] { free(bytes(opaque(malloc(size_t{50} << 20))) + 4096); }},
    {"free_interior_large_odd", [] { free(bytes(opaque(malloc(200000))) + 48); }},
    {"free_behind_last",
     [] {
         // The waste behind the last object of a slab of 64 KiB: 1365 times 48 bytes.
         const auto slab = reinterpret_cast<uintptr_t>(opaque(malloc(48))) & ~uintptr_t{0xffff};
         free(opaque(reinterpret_cast<void*>(slab + uintptr_t{1365} * 48)));
     }},
    {"free_misaligned", [] { free(bytes(small()) + 1); }},
    {"free_stack",
     [] {
         long local[4] = {};
         free(opaque(static_cast<void*>(&local[2])));
     }},
    {"free_global", [] { free(opaque(static_cast<void*>(&global[2]))); }},
    {"free_foreign", [] { free(opaque(reinterpret_cast<void*>(uintptr_t{0x10000}))); }},
    {"free_code", [] { free(opaque(reinterpret_cast<void*>(&puts))); }},
    {"free_mapped",
     [] { free(opaque(mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))); }},
    {"free_noncanonical", [] { free(opaque(reinterpret_cast<void*>(uintptr_t{0xdeadbeefdeadbee0}))); }},
    {"realloc_freed_large",
     [] {
         void* block = opaque(malloc(200000));
         free(block);
         kept = realloc(opaque(block), 300000);
     }},
    {"usable_size_foreign",
     [] { kept = reinterpret_cast<void*>(malloc_usable_size(opaque(static_cast<void*>(&global[2])))); }},
    {"realloc_interior", [] { kept = realloc(opaque(small()) ? bytes(small()) + 16 : nullptr, 200); }},
    {"realloc_freed_huge",
     [] {
         void* block = opaque(malloc(size_t{50} << 20));
         free(block);
         kept = realloc(opaque(block), 100);
     }},
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
    // The kernel's calls are exact in every library.
    {"cache_double_free",
     [] {
         sb_kmem_cache* own = cache("own");
         char* first = object(own);
         char* second = object(own);
         give(own, first);
         give(own, second);
         give(own, opaque(first));
     }},
    {"cache_interior",
     [] {
         sb_kmem_cache* own = cache("own");
         give(own, object(own) + 16);
     }},
    {"cache_object_of_another", [] { give(cache("own"), object(cache("other"))); }},
    {"cache_object_to_free", [] { free(object(cache("own"))); }},
    {"cache_foreign", [] { give(cache("own"), small()); }},
    {"pages_wrong_order", [] { free_pages(pages(2), 3); }},
    {"pages_double_free",
     [] {
         void* block = pages(2);
         free_pages(block, 2);
         free_pages(opaque(block), 2);
     }},
    {"vfree_foreign", [] { vfree(small()); }},
    {"vfree_double_free",
     [] {
         void* area = FROM_LIBRARY(sb_vmalloc)(100000);
         vfree(area);
         vfree(opaque(area));
     }},
    {"debug_overflow", [] { set(bytes(small()) + 100); }},
    {"debug_overflow_freed",
     [] {
         char* block = bytes(opaque(small()));
         set(block + 100);
         free(block);
     }},
    {"debug_overflow_far",
     [] {
         char* block = bytes(small());
         for (int i = 0; i < 128; ++i) {
             set(block + i);
         }
     }},
    {"debug_overflow_large",
     [] {
         char* block = bytes(opaque(malloc(100000)));
         set(block + 100000);
         free(block);
     }},
    {"debug_overflow_cache",
     [] {
         sb_kmem_cache* own = cache("own");
         char* first = object(own);
         set(first + 56);
         give(own, first);
     }},
    {"debug_underflow", [] { set(bytes(small()) - 1); }},
    {"debug_underflow_freed",
     [] {
         char* block = bytes(opaque(small()));
         set(block - 1);
         free(block);
     }},
    {"debug_write_after_free",
     [] {
         char* block = bytes(small());
         free(block);
         set(block + 50);
     }},
    {"debug_write_after_free_checked",
     [] {
         char* block = bytes(small());
         free(block);
         set(block + 50);
         FROM_LIBRARY(sb_check)();
         _exit(0);
     }},
    {"debug_write_after_free_cache",
     [] {
         sb_kmem_cache* own = cache("own");
         char* first = object(own);
         give(own, first);
         set(first);
         FROM_LIBRARY(sb_kmem_cache_shrink)(own);
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
