#!/bin/bash
# Every command and program has a manual page with a name, a synopsis and its options, from what it says of itself.
# Usage: spoken_test.sh FAULTLINE
set -euo pipefail
command -v help2man >/dev/null || { echo "SKIPPED: needs help2man"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$(dirname "$0")/../spoken.sh" "$1" "$work" 1.2.3
for name in faultline faultline-{run,record,list,compare,gate,history,report,worker,check,ordeal,app}; do
    page=$work/man1/$name.1
    grep -q "^$name \\\\- [A-Za-z]" "$page" || { echo "$name: no name"; exit 1; }
    grep -q '^.SH SYNOPSIS' "$page" || { echo "$name: no synopsis"; exit 1; }
    grep -q '1\.2\.3' "$page" || { echo "$name: no version"; exit 1; }
done
for shell in bash zsh fish; do
    [ -s "$work/faultline.$shell" ]
done
