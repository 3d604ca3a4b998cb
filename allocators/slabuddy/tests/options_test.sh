#!/bin/bash
# SLABUDDY_OPTIONS from the environment, and limits. Usage: options_test.sh LIBRARY
library=$1
fail() { echo "FAIL: $1"; exit 1; }

said=$(SLABUDDY_OPTIONS=stats LD_PRELOAD=$library /bin/true 2>&1) || fail "stats: exit status $?"
[[ $said == *"slabinfo - version: 2.1"* && $said == *"Node 0, zone"* ]] || fail "stats: $said"

said=$(SLABUDDY_OPTIONS=nonsense LD_PRELOAD=$library /bin/true 2>&1) || fail "a wrong option ends the program"
[ "$(printf '%s\n' "$said" | grep -c '^slabuddy: SLABUDDY_OPTIONS: "nonsense" is not understood; known: help stats ')" = 1 ] ||
    fail "a wrong option is not named: $said"

said=$(SLABUDDY_OPTIONS=live LD_PRELOAD=$library grep -c 'memfd:slabuddy-live ' /proc/self/maps) || fail "live: $said boards"
said=$(LD_PRELOAD=$library grep -c 'memfd:slabuddy-live ' /proc/self/maps) && fail "a board without the option: $said"

# With little address space: works, and answers NULL instead of dying when it is used up.
for limit in 150000 400000 4000000; do
    (ulimit -v $limit; LD_PRELOAD=$library bash -c 'a=$(seq 1 2000); [ ${#a} -gt 5000 ]') || fail "ulimit -v $limit"
done
said=$(ulimit -v 300000; LD_PRELOAD=$library PYTHONMALLOC=malloc /usr/bin/env python3 -c '
try:
    blocks = [bytearray(1 << n % 24) for n in range(100000)]
    print("no end")
except MemoryError:
    print("MemoryError")' 2>&1) || fail "out of memory: $said"
[ "$said" = MemoryError ] || fail "out of memory: $said"

# Without /proc, as in a bare container.
if unshare -m mount -t tmpfs none /proc 2>/dev/null; then
    # shellcheck disable=SC2016 # the inner shell expands it
    said=$(unshare -m sh -c 'mount -t tmpfs none /proc && SLABUDDY_OPTIONS=check LD_PRELOAD=$0 sort -rn' "$library" \
        < <(seq 1 30000) 2>&1 | head -1)
    [ "$said" = 30000 ] || fail "without /proc: $said"
else
    echo "left out: no right to mount something over /proc"
fi

# A program that does next to nothing stays small: at most half a megabyte above libc's own malloc.
# (The least of a few runs: how many pages of libc are mapped in differs from run to run.)
resident() {
    for _ in 1 2 3 4 5 6; do LD_PRELOAD=$1 grep -a VmHWM /proc/self/status | tr -dc '0-9\n'; done | sort -n | head -1
}
plain=$(resident "") with=$(resident "$library")
[ $((with - plain)) -le 512 ] || fail "a small program holds $with kB instead of $plain kB"
echo "small program: $plain kB without, $with kB with the library"
