#!/bin/bash
# Installs packages in a fresh Debian system (debootstrap, as root), runs a suite there, removes and purges them: no file
# may be left. Usage: clean_system_test.sh FOLDER-OF-PACKAGES|SOURCE-FOLDER [SUITE]     of a source tree: ci/package first
set -euo pipefail
suite=${2:-quick}
. "$(dirname "$0")/debian_root.sh"
debian_root "$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)" "$0" "$1" "$suite"
files() { # everything but what apt and dpkg write about themselves, and Python compiles of what is not ours
    (cd "$root" && find . -xdev \( -path ./proc -o -path ./sys -o -path ./dev -o -path ./tmp -o -path ./var/cache \
        -o -path ./var/lib/apt -o -path ./var/log -o -path ./var/lib/dpkg -o -path './usr/lib/python3*/__pycache__' \) \
        -prune -o -print | sort)
}

mkdir -p "$root/tmp/packages"
cp "$packages"/*.deb "$root/tmp/packages/"
inside apt-get update -qq
# What the packages need is installed first and stays, so that what they bring themselves is told apart.
depends=$(for package in "$packages"/*.deb; do dpkg-deb -f "$package" Depends; done | tr ',' '\n' |
    sed 's/^ *//; s/[ |(].*//' | grep -v -e '^libslabuddy' -e '^$' | sort -u)
# shellcheck disable=SC2086 # a list
inside apt-get install -y -qq --no-install-recommends $depends >/dev/null
files >"$root/tmp/before"
inside sh -c 'apt-get install -y -qq --no-install-recommends /tmp/packages/*.deb' >/dev/null

inside faultline --version
inside faultline list allocators
inside /usr/share/faultline/ci/pr-gate --help | head -n 1
inside /usr/share/faultline/ci/nightly --help >/dev/null
inside sh -c "cd /tmp && faultline run $suite -a system,slabuddy --rounds 1 -q -o r.json --report report" | tail -n 3
[ -s "$root/tmp/report/index.html" ]
inside sh -c 'LD_PRELOAD=libslabuddy.so.0.1 SLABUDDY_OPTIONS=stats /bin/true 2>&1' | grep committed >/dev/null
inside sh -c 'cd /tmp && faultline stress -a slabuddy --only conformance.free-null' | tail -n 1
[ -s "$root/usr/share/man/man1/faultline-run.1.gz" ] && [ -s "$root/usr/share/bash-completion/completions/faultline" ]

names=$(for package in "$packages"/*.deb; do dpkg-deb -f "$package" Package; done)
# shellcheck disable=SC2086
inside apt-get remove -y -qq $names >/dev/null
# What left nothing to purge is gone already, and apt would not know it.
# shellcheck disable=SC2086
inside dpkg --purge $names 2>/dev/null
# shellcheck disable=SC2016 # dpkg's, not the shell's
if inside dpkg-query -W -f '${Package} ${db:Status-Status}\n' | grep -e faultline -e slabuddy; then
    echo "FAIL: the purge left a package known to dpkg"
    exit 1
fi
files >"$root/tmp/after"
if ! diff "$root/tmp/before" "$root/tmp/after"; then
    echo "FAIL: the purge left or took files"
    exit 1
fi
echo "installed, ran $suite, purged: nothing left behind"
