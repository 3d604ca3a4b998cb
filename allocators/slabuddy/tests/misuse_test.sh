#!/bin/bash
# Each misuse ends with SIGABRT and one line that names it. Usage: misuse_test.sh LIBRARY PROGRAM default|checked
# In the default library a repeated free of a small block may be found at the latest when its sheaf is flushed, at exit.
library=$1 program=$2 flavour=$3
status=0
ulimit -c 0

expected() {
    case $1 in
        double_free*) echo "double free" ;;
        free_interior*) echo "middle of a block" ;;
        free_misaligned) echo "misaligned pointer" ;;
        free_stack | free_global | free_foreign | free_noncanonical | usable_size_foreign) echo "did not hand out" ;;
        *freed*) echo "already free" ;;
    esac
}

for misuse in $("$program"); do
    if [ "$flavour" = default ]; then
        case $misuse in realloc_freed_small | usable_size_freed) continue ;; esac
    fi
    said=$(LD_PRELOAD=$library "$program" "$misuse" 2>&1)
    code=$?
    if [ $code -ne 134 ]; then
        echo "FAIL: $misuse: exit status $code instead of SIGABRT's 134: $said"
        status=1
    elif [ "$(printf '%s\n' "$said" | wc -l)" -ne 1 ] || [[ $said != "slabuddy: "*"$(expected "$misuse")"*"; "* ]]; then
        echo "FAIL: $misuse: said: $said"
        status=1
    fi
done
exit $status
