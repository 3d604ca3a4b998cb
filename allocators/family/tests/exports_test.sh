#!/bin/sh
# What a preload library must and must not have: every symbol of the family exported, nothing needed but libc and the
# loader, and no symbol that is neither the family's nor the library's own C interface (sb_*).
# Usage: exports_test.sh LIBRARY
library=$1
status=0
defined=$(nm -D --defined-only "$library" | awk '{print $NF}' | sed 's/@.*//' | sort -u)

for symbol in malloc free calloc realloc reallocarray aligned_alloc memalign posix_memalign valloc pvalloc \
    malloc_usable_size malloc_trim malloc_stats malloc_info mallinfo mallinfo2 mallopt free_sized \
    free_aligned_sized cfree __libc_malloc __libc_free __libc_cfree __libc_calloc __libc_realloc \
    __libc_reallocarray __libc_memalign __libc_valloc __libc_pvalloc __posix_memalign \
    _Znwm _Znam _ZnwmRKSt9nothrow_t _ZnamRKSt9nothrow_t _ZnwmSt11align_val_t _ZnamSt11align_val_t \
    _ZnwmSt11align_val_tRKSt9nothrow_t _ZnamSt11align_val_tRKSt9nothrow_t \
    _ZdlPv _ZdaPv _ZdlPvRKSt9nothrow_t _ZdaPvRKSt9nothrow_t _ZdlPvm _ZdaPvm _ZdlPvSt11align_val_t \
    _ZdaPvSt11align_val_t _ZdlPvSt11align_val_tRKSt9nothrow_t _ZdaPvSt11align_val_tRKSt9nothrow_t \
    _ZdlPvmSt11align_val_t _ZdaPvmSt11align_val_t; do
    echo "$defined" | grep -qx "$symbol" || { echo "FAIL: $symbol is not exported"; status=1; }
done

extra=$(echo "$defined" | grep -Evx '(malloc|free|calloc|realloc|reallocarray|aligned_alloc|memalign|posix_memalign|valloc|pvalloc|malloc_(usable_size|trim|stats|info)|mallinfo2?|mallopt|free_(aligned_)?sized|cfree|__libc_.*|__posix_memalign|_Zn[wa]m.*|_Zd[la]Pv.*|sb_.*)')
[ -z "$extra" ] || { echo "FAIL: exported by accident:" "$extra"; status=1; }

foreign=$(readelf -dW "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -Ev '^(libc\.so\.|ld-linux)')
[ -z "$foreign" ] || { echo "FAIL: needs more than libc:" "$foreign"; status=1; }
exit $status
