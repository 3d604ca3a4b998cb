#!/bin/bash
# NULLMALLOC_POPULATE: what is asked for is resident at load, and a mistake is said in one line and survived.
# Usage: populate_test.sh LIBRARY
library=$1
fail() { echo "FAIL: $1"; exit 1; }

resident_kb() { # of a process with LIBRARY preloaded and NULLMALLOC_POPULATE=$1
    NULLMALLOC_POPULATE=$1 LD_PRELOAD=$library /bin/grep -a VmRSS /proc/self/status | tr -dc 0-9
}

none=$(resident_kb 0)
some=$(resident_kb 32M)
[ "$none" -lt 16384 ] || fail "populate 0 holds $none kB"
[ "$some" -ge 32768 ] || fail "populate 32M holds only $some kB"

for wrong in "" x 12Q -1 1M2 99999999999999999999 2000000G; do
    said=$(NULLMALLOC_POPULATE=$wrong LD_PRELOAD=$library /bin/true 2>&1) || fail "'$wrong' ends the program"
    [ "$(printf '%s\n' "$said" | grep -c NULLMALLOC_POPULATE)" = 1 ] || fail "'$wrong' is not named: $said"
done

# A limit on address space makes the arena smaller, not the program fail.
(ulimit -v 400000; NULLMALLOC_POPULATE=0 LD_PRELOAD=$library /bin/true) || fail "does not load under ulimit -v"
echo "populate: $none kB without, $some kB with 32M"
