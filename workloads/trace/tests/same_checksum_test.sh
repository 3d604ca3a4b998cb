#!/bin/sh
# usage: same_checksum_test.sh WORKER TRACE LIBRARY...: the trace gives the same checksum on the C library's malloc and on
# each LIBRARY that exists, preloaded.
set -eu
worker=$1 trace=$2
shift 2
checksum() { # the preloaded library, or nothing
    LD_PRELOAD=$1 "$worker" --workload=replay --set "trace=$trace" --report-fd=3 3>&1 >/dev/null 2>/dev/null |
        sed -n 's/.*"checksum": *"\([0-9a-f]*\)".*/\1/p' | head -n 1
}
expected=$(checksum "")
test -n "$expected" || { echo "no checksum on the C library's malloc"; exit 1; }
for library in "$@"; do
    test -e "$library" || { echo "left out, not installed: $library"; continue; }
    found=$(checksum "$library")
    test "$found" = "$expected" || { echo "$library: checksum $found instead of $expected"; exit 1; }
    echo "$library: $found"
done
