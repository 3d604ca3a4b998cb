#!/bin/sh
# A fuzzer that is given the planted crash has to find it, by an input that crashes the target again.
# Usage: planted_test.sh FUZZER.sh TARGET SECONDS CORPUS OUT
fuzzer=$1
target=$2
seconds=$3
corpus=$4
out=$5
rm -rf "$out" # what an earlier run found would be found at once
"$target" "$corpus"/* >"$out.log" 2>&1 || { echo "FAIL: the target crashes on its corpus"; exit 1; }
"$fuzzer" "$target" "$seconds" "$corpus" "$out" && { echo "FAIL: the planted crash was not found"; exit 1; }
for found in "$out"/crash-* "$out"/default/crashes/id*; do
    [ -e "$found" ] || continue
    "$target" "$found" >"$out.log" 2>&1 && { echo "FAIL: $found crashes nothing"; exit 1; }
    echo "found: $(head -c 3 "$found")"
    exit 0
done
echo "FAIL: the fuzzer failed otherwise"
exit 1
