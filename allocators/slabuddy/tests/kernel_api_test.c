/* A C program linked with -lslabuddy: every call of slabuddy.h does what the header says. Ends with 0, or names the line. */
#include "allocators/slabuddy/slabuddy.h"

#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "kernel_api_test: line %d: %s\n", __LINE__, #condition);                         \
            exit(1);                                                                                         \
        }                                                                                                    \
    } while (0)

static int debugging(void) {
    const char* options = getenv("SLABUDDY_OPTIONS");
    return options && strcmp(options, "debug") == 0;
}

static int is_zero(const void* block, size_t bytes) {
    const char* at = block;
    for (size_t i = 0; i < bytes; ++i) {
        if (at[i] != 0) {
            return 0;
        }
    }
    return 1;
}

static int text_has(size_t (*writer)(char*, size_t), const char* wanted) {
    static char text[1 << 16];
    const size_t bytes = writer(text, sizeof text);
    CHECK(bytes < sizeof text && strlen(text) == bytes);
    return strstr(text, wanted) != NULL;
}

static void test_pages(void) {
    for (unsigned order = 0; order <= SB_MAX_ORDER; ++order) {
        char* block = sb_alloc_pages(GFP_KERNEL, order);
        CHECK(block && (uintptr_t)block % (SB_PAGE_SIZE << order) == 0);
        memset(block, 0xff, SB_PAGE_SIZE << order);
        sb_free_pages(block, order);
        block = sb_get_free_pages(GFP_KERNEL | __GFP_ZERO, order);
        CHECK(block && is_zero(block, SB_PAGE_SIZE << order));
        sb_free_pages(block, order);
        CHECK(sb_check() == NULL);
    }
    errno = 0;
    CHECK(sb_alloc_pages(GFP_KERNEL | __GFP_NOWARN | __GFP_NOFAIL, SB_MAX_ORDER + 1) == NULL &&
          errno == ENOMEM);
    void* page = sb_get_zeroed_page(GFP_KERNEL);
    CHECK(page && is_zero(page, SB_PAGE_SIZE));
    free(page);
    /* Three pages take three, not four. */
    char* exact = sb_alloc_pages_exact(3 * SB_PAGE_SIZE - 5, GFP_KERNEL);
    CHECK(exact && sb_ksize(exact) == 3 * SB_PAGE_SIZE);
    sb_free_pages_exact(exact, 3 * SB_PAGE_SIZE - 5);
    sb_free_pages(NULL, 3);
    sb_free_pages_exact(NULL, 3);
    CHECK(sb_check() == NULL);
}

struct thing {
    int constructed;
    int used;
    char rest[52];
};

static int constructions;

static void construct(void* object) {
    struct thing* thing = object;
    free(malloc(100)); /* a constructor may allocate */
    thing->constructed = 42;
    thing->used = 0;
    ++constructions;
}

enum { many = 5000 };

static void test_caches(void) {
    struct sb_kmem_cache* cache =
        sb_kmem_cache_create("thing_cache", sizeof(struct thing), 0, SLAB_HWCACHE_ALIGN, construct);
    CHECK(cache && sb_kmem_cache_size(cache) == sizeof(struct thing));
    static struct thing* things[many];
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < many; ++i) {
            things[i] = sb_kmem_cache_alloc(cache, GFP_KERNEL);
            CHECK(things[i] && things[i]->constructed == 42 && things[i]->used == 0);
            CHECK((uintptr_t)things[i] % 64 == 0);
            things[i]->used = i + 1;
        }
        CHECK(text_has(sb_slabinfo, "\nthing_cache"));
        CHECK(text_has(sb_stats_json,
                       "{\"name\": \"thing_cache\", \"object_bytes\": 60, \"in_use_objects\": 5000,"));
        CHECK(sb_check() == NULL);
        errno = 0;
        CHECK(sb_kmem_cache_destroy(cache) == -1 && errno == EBUSY);
        for (int i = 0; i < many; ++i) {
            CHECK(things[i]->used == i + 1);
            things[i]->used = 0; /* given back constructed */
            if (i % 2) {
                sb_kmem_cache_free(cache, things[i]);
            } else {
                sb_kfree(things[i]);
            }
        }
        CHECK(sb_check() == NULL);
    }
    CHECK(sb_kmem_cache_shrink(cache) > 0 && sb_kmem_cache_shrink(cache) == 0);
    CHECK(constructions >= many && constructions < 4 * many);
    sb_kmem_cache_free(cache, NULL);
    CHECK(sb_kmem_cache_destroy(cache) == 0);
    CHECK(!text_has(sb_slabinfo, "thing_cache"));

    for (size_t size = 1; size <= SB_CACHE_MAX_BYTES; size = size * 3 + 1) {
        for (size_t align = 1; align <= SB_PAGE_SIZE; align *= 8) {
            cache = sb_kmem_cache_create("plain", size, align, 0, NULL);
            CHECK(cache);
            char* first = sb_kmem_cache_zalloc(cache, GFP_KERNEL);
            char* second = sb_kmem_cache_alloc(cache, GFP_KERNEL | __GFP_ZERO);
            CHECK(first && second && first != second && is_zero(first, size) && is_zero(second, size));
            CHECK((uintptr_t)first % align == 0 && (uintptr_t)second % align == 0);
            memset(first, 1, size);
            CHECK(is_zero(second, size));
            sb_kmem_cache_free(cache, first);
            sb_kmem_cache_free(cache, second);
            CHECK(sb_kmem_cache_destroy(cache) == 0);
        }
    }
    errno = 0;
    CHECK(!sb_kmem_cache_create("", 8, 0, 0, NULL) && errno == EINVAL);
    CHECK(!sb_kmem_cache_create("two words", 8, 0, 0, NULL) && !sb_kmem_cache_create(NULL, 8, 0, 0, NULL));
    CHECK(!sb_kmem_cache_create("x", 0, 0, 0, NULL) &&
          !sb_kmem_cache_create("x", SB_CACHE_MAX_BYTES + 1, 0, 0, NULL));
    CHECK(!sb_kmem_cache_create("x", 8, 3, 0, NULL) && !sb_kmem_cache_create("x", 8, 0, 1, NULL));
    CHECK(sb_kmem_cache_destroy(NULL) == 0);
}

static void test_kmalloc(void) {
    for (size_t size = 1; size < (size_t)64 << 20; size = size * 3 + 1) {
        char* block = sb_kmalloc(size, GFP_KERNEL);
        CHECK(block && sb_ksize(block) >= size);
        memset(block, 0xff, size);
        sb_kfree(block);
        block = sb_kzalloc(size, GFP_KERNEL);
        CHECK(block && is_zero(block, size));
        block[0] = 7;
        block = sb_krealloc(block, size * 2, GFP_KERNEL | __GFP_ZERO);
        CHECK(block && block[0] == 7 && is_zero(block + 1, size - 1) && sb_ksize(block) >= size * 2);
        char* smaller = sb_krealloc(block, 1, GFP_KERNEL);
        CHECK(smaller == block || debugging()); /* in debug mode it always moves */
        CHECK(smaller[0] == 7);
        free(smaller);
    }
    CHECK(sb_kmalloc(0, GFP_KERNEL) == ZERO_SIZE_PTR && sb_ksize(ZERO_SIZE_PTR) == 0 && sb_ksize(NULL) == 0);
    sb_kfree(ZERO_SIZE_PTR);
    sb_kfree(NULL);
    char* block = sb_krealloc(ZERO_SIZE_PTR, 10, GFP_KERNEL);
    CHECK(block && sb_krealloc(block, 0, GFP_KERNEL) == ZERO_SIZE_PTR);
    block = sb_kmalloc_array(10, 10, GFP_KERNEL);
    CHECK(block && sb_ksize(block) >= 100);
    errno = 0;
    CHECK(sb_krealloc(block, SIZE_MAX, GFP_KERNEL | __GFP_NOWARN) == NULL && errno == ENOMEM);
    sb_kfree(block);
    CHECK(!sb_kmalloc_array(SIZE_MAX / 2, 3, GFP_KERNEL | __GFP_NOWARN));
    CHECK(!sb_kmalloc(SIZE_MAX, GFP_KERNEL | __GFP_NOFAIL | __GFP_NOWARN)); /* no memory could satisfy it */
    block = sb_kcalloc(30, 30, GFP_KERNEL);
    CHECK(block && is_zero(block, 900));
    errno = 5;
    sb_kfree(block);
    sb_kfree(sb_kmalloc(100, GFP_KERNEL));
    CHECK(errno == 5);
}

static void test_vmalloc(void) {
    for (size_t size = 1; size < (size_t)100 << 20; size *= 9) {
        char* area = sb_vmalloc(size);
        CHECK(area && (uintptr_t)area % 4096 == 0);
        area[0] = area[size - 1] = 1;
        CHECK(text_has(sb_vmallocinfo, " vmalloc\n"));
        sb_vfree(area);
        area = sb_vzalloc(size);
        CHECK(area && is_zero(area, size));
        sb_kvfree(area);
    }
    CHECK(!text_has(sb_vmallocinfo, "vmalloc"));
    CHECK(sb_vmalloc(0) == NULL);
    sb_vfree(NULL);
    char* block = sb_kvzalloc(50000, GFP_KERNEL);
    CHECK(block && is_zero(block, 50000));
    sb_kvfree(block);
    sb_kvfree(sb_kvmalloc(0, GFP_KERNEL));
}

/* Without a system call there is only what is there: it ends, comes back, and what is freed serves the next. */
static void test_nowait(void) {
    enum { most = 100000 };
    static void* blocks[most];
    malloc_trim(0); /* or a freed block of an earlier test may be what is there */
    int taken = 0;
    while (taken < most && (blocks[taken] = sb_kmalloc(4000, GFP_NOWAIT | __GFP_NOWARN)) != NULL) {
        ++taken;
    }
    CHECK(taken < most);
    errno = 0;
    CHECK(sb_kmalloc((size_t)50 << 20, GFP_NOWAIT | __GFP_NOWARN) == NULL && errno == ENOMEM);
    CHECK(sb_kmalloc((size_t)50 << 20, GFP_ATOMIC | __GFP_NOWARN) == NULL);
    void* waited = sb_kmalloc(4000, GFP_KERNEL);
    CHECK(waited);
    sb_kfree(waited);
    while (taken > 0) {
        sb_kfree(blocks[--taken]);
    }
    void* again = sb_kmalloc(4000, GFP_NOWAIT);
    CHECK(again);
    sb_kfree(again);
    CHECK(sb_check() == NULL);
}

/* With no address space left: NULL, and NOFAIL gets what others free. */
static void test_no_memory(void) {
    enum { most = 4096 };
    static void* blocks[most];
    const struct rlimit none = {(rlim_t)64 << 20, RLIM_INFINITY};
    struct rlimit before;
    getrlimit(RLIMIT_AS, &before);
    CHECK(setrlimit(RLIMIT_AS, &none) == 0);
    void* probe = mmap(NULL, (size_t)1 << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (probe != MAP_FAILED) {
        puts("left out: an emulator does not enforce RLIMIT_AS");
        munmap(probe, (size_t)1 << 30);
        CHECK(setrlimit(RLIMIT_AS, &before) == 0);
        return;
    }
    int taken = 0;
    while (taken < most &&
           (blocks[taken] = sb_alloc_pages(GFP_KERNEL | __GFP_NOWARN, SB_MAX_ORDER)) != NULL) {
        ++taken;
    }
    errno = 0;
    CHECK(sb_vmalloc((size_t)1 << 30) == NULL && errno == ENOMEM);
    CHECK(setrlimit(RLIMIT_AS, &before) == 0);
    while (taken > 0) {
        sb_free_pages(blocks[--taken], SB_MAX_ORDER);
    }
    void* block = sb_alloc_pages(GFP_KERNEL | __GFP_NOFAIL, SB_MAX_ORDER);
    CHECK(block);
    sb_free_pages(block, SB_MAX_ORDER);
    CHECK(sb_check() == NULL);
}

static void test_figures(void) {
    char few[8];
    CHECK(sb_slabinfo(few, sizeof few) > sizeof few && strcmp(few, "slabinf") == 0);
    CHECK(sb_buddyinfo(NULL, 0) > 0);
    CHECK(text_has(sb_unusable_index, "Node 0, zone   Normal 0.000 "));
    CHECK(text_has(sb_stats_json, "\"unusable_index\": "));
    CHECK(sb_version()[0] == '0');
}

int main(void) {
    CHECK(sb_kmalloc(16, GFP_NOWAIT | __GFP_NOWARN) == NULL || sb_check() == NULL);
    test_pages();
    test_caches();
    test_kmalloc();
    test_vmalloc();
    test_nowait();
    test_no_memory();
    test_figures();
    return 0;
}
