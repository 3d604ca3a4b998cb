#!/bin/sh
# Random operations find a planted bug, say what it is, and leave a small trace that fails again.
# Usage: broken_test.sh FAULTLINE-ORDEAL LIBRARY SECONDS PATTERN [again|forks|soak]
#   PATTERN: what the accusation must match; "" when there must be none. again: the trace must fail alike. forks: threads fork.
#   soak: by the soak instead of random operations.
ordeal=$1
library=$2
seconds=$3
pattern=$4
again=${5:-}
variant=""
[ "$again" != forks ] || variant=forks
role=random
[ "$again" != soak ] || role=soak
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT

if [ -z "$pattern" ]; then
    "$ordeal" random --variant="$variant" --preload="$library" --seconds="$seconds" || { echo "FAIL: accused without reason"; exit 1; }
    exit 0
fi
keep=""
[ "$again" != again ] || keep="$folder"
said=$("$ordeal" $role --variant="$variant" --preload="$library" --seconds="$seconds" --artifacts="$keep" 2>&1)
status=$?
echo "$said"
[ $status = 1 ] || { echo "FAIL: status $status"; exit 1; }
echo "$said" | grep -Eq "^failed .*($pattern)" || { echo "FAIL: accused of something else"; exit 1; }
[ "$again" = again ] || exit 0

trace=$(echo "$said" | sed -n 's/^artifact //p')
[ -s "$trace" ] || { echo "FAIL: no trace"; exit 1; }
said=$("$ordeal" replay --preload="$library" --trace="$trace" --seconds=5 2>&1)
status=$?
echo "$said"
[ $status = 1 ] || { echo "FAIL: the trace does not fail again"; exit 1; }
"$ordeal" replay --trace="$trace" --seconds=1 || { echo "FAIL: the trace accuses libc"; exit 1; }
