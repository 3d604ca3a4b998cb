#!/bin/bash
# Debian's checker finds no error in the packages, and no warning but those named here with their reasons.
# Usage: policy_test.sh FOLDER-OF-PACKAGES|SOURCE-FOLDER     of a source tree: ci/package first
set -euo pipefail
command -v lintian >/dev/null || { echo "SKIPPED: needs lintian"; exit 0; }
packages=$1
if [ -x "$1/ci/package" ]; then
    packages=$(mktemp -d)
    trap 'rm -rf "$packages"' EXIT
    "$1/ci/package" --no-install "$packages" >/dev/null
fi
accepted=(
    initial-upload-closes-no-bugs # it is uploaded nowhere
    maintscript-calls-ldconfig    # what cpack writes beside the shlibs file
)
lintian --allow-root --fail-on error,warning --suppress-tags "$(IFS=,; echo "${accepted[*]}")" "$packages"/*.deb
echo "no error and no warning"
