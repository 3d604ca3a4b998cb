#!/bin/sh
# Runs a target of AFL++ for some seconds. A crash, a hang, or a target that was executed on no more than its corpus is
# a failure. What it finds is kept for the next run.
# Usage: afl.sh TARGET SECONDS CORPUS OUT
target=$1
seconds=$2
corpus=$3
out=$4
export AFL_BENCH_UNTIL_CRASH=1 AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1 AFL_AUTORESUME=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1
# Aborts have to be signals, and symbols only cost time.
export ASAN_OPTIONS=abort_on_error=1:symbolize=0:detect_leaks=0
afl-fuzz -V "$seconds" -m none -t 5000+ -i "$corpus" -o "$out" -- "$target" >"$out.log" 2>&1 || { tail -n 30 "$out.log"; exit 1; }
stats=$out/default/fuzzer_stats
grep -E "^(execs_per_sec|corpus_count|edges_found|saved_crashes|saved_hangs) " "$stats"
executions=$(sed -n 's/^execs_done *: *//p' "$stats")
echo "executions: $executions"
for found in "$out"/default/crashes/id* "$out"/default/hangs/id*; do
    [ ! -e "$found" ] || { echo "FAIL: $found"; exit 1; }
done
[ "${executions:-0}" -gt "$(find "$corpus" -type f | wc -l)" ] || { echo "FAIL: nothing but the corpus was tried"; exit 1; }
