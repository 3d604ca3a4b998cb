# shellcheck shell=bash disable=SC2154
# Sourced by the scripts that run in another project's checkout: finds that and faultline, builds a revision's library.
#
# The caller sets: program (its name, for messages), build, library, output, faultline; and calls begin once. Where it has
# a function refused_build NAME REASON, that is called before the script ends because of a build.

refuse() { # STATUS MESSAGE
    echo "$program: $2" >&2
    exit "$1"
}

begin() { # sets top and work, makes the output folder absolute; what it makes is gone when the script ends
    [ -n "$library" ] || refuse 64 "--library is missing: the .so that the build makes, as build/libmine.so"
    [ -n "$faultline" ] || faultline=$(command -v faultline) || faultline=$here/../build/release/bin/faultline
    [ -x "$faultline" ] || refuse 69 "no faultline on PATH; install it, build it beside this script, or say --faultline"
    top=$(git rev-parse --show-toplevel 2>/dev/null) || refuse 64 "$PWD is in no git repository"
    work=$(mktemp -d)
    trap clean_up EXIT
    trap 'exit 130' INT TERM
    mkdir -p "$output"
    output=$(cd "$output" && pwd)
}

# shellcheck disable=SC2317 # called by the trap
clean_up() {
    local tree
    for tree in "$work"/*/; do
        [ ! -e "$tree/.git" ] || git -C "$top" worktree remove --force "$tree" 2>/dev/null || true
    done
    rm -rf "$work"
}

refuse_build() { # NAME REASON
    if declare -F refused_build >/dev/null; then refused_build "$@"; fi
    refuse 70 "$2"
}

# Under its own name: that two builds are of one library is told by it, and only then instructions are compared.
library_of() { echo "$work/kept/$1/$(basename "$library")"; } # NAME

# One after the other in the same place, so that no path of the checkout makes two builds differ.
build_revision() { # REVISION NAME: builds it in a clean checkout, $work/tree, and keeps the library as library_of NAME
    git -C "$top" worktree remove --force "$work/tree" 2>/dev/null || true
    git -C "$top" worktree add --quiet --detach "$work/tree" "$1"
    echo "$program: building $2, $(git -C "$top" log -1 --format='%h %s' "$1")"
    if ! (cd "$work/tree" && sh -c "$build") >"$output/build-$2.log" 2>&1; then
        tail -n 20 "$output/build-$2.log" >&2
        refuse_build "$2" "the build of $2 failed: $build; all of it is in $output/build-$2.log"
    fi
    [ -f "$work/tree/$library" ] || refuse_build "$2" "the build of $2 made no $library"
    mkdir -p "$work/kept/$2"
    cp -L "$work/tree/$library" "$(library_of "$2")"
}
