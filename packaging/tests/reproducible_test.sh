#!/bin/bash
# Makes the packages and the bill of materials of this commit twice, without a compiler cache, and compares them byte by
# byte. The second time nothing is as it was the first time that a build can differ by: the place, the home, the umask, the
# language, the time zone, how many jobs; as root also the user, and where faketime is installed the date.
# Usage: reproducible_test.sh SOURCE-FOLDER
set -euo pipefail
unset SOURCE_DATE_EPOCH MAKEFLAGS
export CCACHE_DISABLE=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"

packages() { # WHERE COMMAND...: clones to WHERE/source and makes WHERE/packages there, by way of COMMAND
    local where=$1
    shift
    "$@" git -c advice.detachedHead=false clone -q "$work/bundle" "$where/source"
    if ! "$@" "$where/source/ci/package" --no-install "$where/packages" >"$work/log" 2>&1; then
        tail -n 20 "$work/log"
        exit 1
    fi
    rm -rf "$where/source/build"
}

git -C "$1" bundle create -q "$work/bundle" HEAD --tags # which any user may clone
chmod 644 "$work/bundle"
mkdir "$work/one"
(umask 022 && packages "$work/one" env HOME="$work/one" LC_ALL=C.UTF-8 TZ=UTC CMAKE_BUILD_PARALLEL_LEVEL=2)

another=(env HOME="$work/another/place" LC_ALL=C TZ=Pacific/Kiritimati CMAKE_BUILD_PARALLEL_LEVEL=3)
if command -v faketime >/dev/null; then
    another+=(faketime -f +400d)
else
    echo "the date is the same: faketime is missing"
fi
mkdir -p "$work/another/place"
if [ "$(id -u)" -eq 0 ]; then
    chown nobody: "$work/another/place"
    another=(setpriv --reuid=nobody --regid=nogroup --clear-groups "${another[@]}")
else
    echo "the user is the same: only root can be another"
fi
(umask 077 && packages "$work/another/place" "${another[@]}")

(cd "$work/one/packages" && sha256sum -- *) >"$work/sums"
cat "$work/sums"
[ "$(grep -c '\.deb$' "$work/sums")" -eq 4 ] && grep -q '\.spdx\.json$' "$work/sums"
diff <(ls "$work/one/packages") <(ls "$work/another/place/packages")
(cd "$work/another/place/packages" && sha256sum --check --quiet "$work/sums")
echo "made twice, the same bytes"
