#!/bin/bash
# The fast paths cost no more instructions than they did: counted by callgrind, which gives the same number on every machine.
#
#   golden_instructions_test.sh LIBSLABUDDY.so PROGRAM
#
# PROGRAM makes N repetitions of a case; the difference between two N is what a repetition costs, without start-up. The
# program's own loop is taken off by the case "nothing"; what is left of the program in a pair are 7 instructions of calls
# through the PLT. Budgets leave room for what another compiler release does with the same source, not for another call.
set -u
library=$1 program=$2
if ! command -v valgrind > /dev/null; then
    echo "skipped: valgrind is not installed (ci/install tests)"
    exit 77
fi

few=100 many=1100 failed=0
instructions() { # case, repetitions
    LD_PRELOAD=$library valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "$1" "$2" 2>&1 |
        sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}
cost() { # of one repetition; 0 when callgrind gave no figure, which fails below
    local low high
    low=$(instructions "$1" $few)
    high=$(instructions "$1" $many)
    echo $(((${high:-0} - ${low:-0} + (many - few) / 2) / (many - few)))
}

own=$(cost nothing)
while read -r name budget; do
    count=$(($(cost "$name") - own))
    printf '%-10s %5d of %5d instructions\n' "$name" "$count" "$budget"
    # A count of next to nothing would mean that the case did not reach the library.
    if [ "$count" -gt "$budget" ] || [ "$count" -lt 20 ]; then
        failed=1
    fi
done << 'CASES'
pair16 47
pair2k 47
pair200k 97
calloc64 80
realloc 200
aligned 95
foreign 190
CASES
exit $failed
