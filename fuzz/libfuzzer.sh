#!/bin/sh
# Runs a target of libFuzzer for some seconds. A crash, a hang, or a target that was executed on no more than its corpus
# is a failure. What it finds is kept for the next run.
# Usage: libfuzzer.sh TARGET SECONDS CORPUS OUT
target=$1
seconds=$2
corpus=$3
out=$4
mkdir -p "$out/corpus"
known=$(find "$corpus" "$out/corpus" -type f | wc -l) # and the empty input
"$target" -max_total_time="$seconds" -timeout=200 -rss_limit_mb=4096 -print_final_stats=1 -artifact_prefix="$out/" "$out/corpus" \
    "$corpus" >"$out.log" 2>&1
status=$?
executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$out.log")
grep -E "cov: .* exec/s" "$out.log" | tail -n 1
echo "executions: ${executions:-0}"
[ "$status" = 0 ] || { tail -n 30 "$out.log"; exit 1; }
[ "${executions:-0}" -gt $((known + 1)) ] || { echo "FAIL: nothing but the corpus was tried"; exit 1; }
