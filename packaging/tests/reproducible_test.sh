#!/bin/bash
# Builds the packages of this commit twice, in two places and without a compiler cache, and compares them byte by byte.
# Usage: reproducible_test.sh SOURCE-FOLDER
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for place in one another/place; do
    mkdir -p "$(dirname "$work/$place")"
    git clone -q "$1" "$work/$place"
    CCACHE_DISABLE=1 "$work/$place/ci/package" --no-install "$work/packages-${place%/*}" >/dev/null
    rm -rf "${work:?}/$place/build"
done
(cd "$work/packages-one" && sha256sum -- *) >"$work/sums"
cat "$work/sums"
(cd "$work/packages-another" && sha256sum --check --quiet "$work/sums")
