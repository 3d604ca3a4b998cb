#!/bin/bash
# Each misuse ends with SIGABRT and one line that names it. Usage: misuse_test.sh LIBRARY PROGRAM [debug]
# With `debug` all run under SLABUDDY_OPTIONS=debug, and the writes outside of blocks too.
library=$1 program=$2 options=${3:-}
status=0 stopped=0
ulimit -c 0

expected() {
    case $1 in
        *double_free*) echo "double free" ;;
        free_interior* | realloc_interior | cache_interior) echo "middle of a block" ;;
        free_behind_last) echo "did not hand out" ;;
        free_misaligned) echo "misaligned pointer" ;;
        cache_object*) echo "object of another slab cache" ;;
        pages_wrong_order) echo "not as many pages as were allocated: 8 instead of 4" ;;
        *_foreign | free_stack | free_global | free_code | free_mapped | free_noncanonical) echo "did not hand out" ;;
        realloc_freed* | usable_size_freed) echo "already free" ;;
        debug_overflow_large) echo "written past its end: byte 100000 of 100000 is 0x1" ;;
        debug_overflow_cache) echo "written past its end: byte 56 of 56 is 0x1 (class own)" ;;
    esac
}
# What debug mode alone names, and what it names otherwise because it serves from named caches.
expected_debug() {
    case $1 in
        debug_overflow_cache | debug_overflow_large) expected "$1" ;;
        debug_overflow_far) echo "written past its end: byte 112 of 112 is 0x1 (class kmalloc-112)" ;;
        debug_overflow*) echo "written past its end: byte 100 of 100 is 0x1 (class kmalloc-112)" ;;
        debug_underflow*) echo "written before its begin (class kmalloc-112)" ;;
        debug_write_after_free_cache) echo "written after it was freed: byte 0 of 56 is 0x1 (class own)" ;;
        debug_write*) echo "written after it was freed: byte 50 of 100 is 0x1 (class kmalloc-112)" ;;
        free_behind_last) echo "middle of a block" ;;
        cache_foreign) echo "object of another slab cache" ;;
        *) expected "$1" ;;
    esac
}

for misuse in $("$program"); do
    if [ -z "$options" ]; then
        [[ $misuse == debug_* ]] && continue
        wanted=$(expected "$misuse")
    else
        wanted=$(expected_debug "$misuse")
    fi
    said=$(SLABUDDY_OPTIONS=$options LD_PRELOAD=$library "$program" "$misuse" 2>&1)
    code=$?
    if [ $code -ne 134 ]; then
        echo "FAIL: $misuse: exit status $code instead of SIGABRT's 134: $said"
        status=1
    elif [ "$(printf '%s\n' "$said" | wc -l)" -ne 1 ] || [[ $said != "slabuddy: "*"$wanted"*"; "* || -z $wanted ]]; then
        echo "FAIL: $misuse: said: $said"
        status=1
    else
        stopped=$((stopped + 1))
        printf '%-32s %s\n' "$misuse" "${said#slabuddy: }"
    fi
done
echo "$stopped kinds of misuse stopped and named"
exit $status
