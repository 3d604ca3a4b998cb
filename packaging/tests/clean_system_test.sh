#!/bin/bash
# Installs packages in a fresh Debian system (debootstrap, as root), runs a suite there, removes and purges them: no file
# may be left. Usage: clean_system_test.sh FOLDER-OF-PACKAGES|SOURCE-FOLDER [SUITE]     of a source tree: ci/package first
set -euo pipefail
packages=$(cd "$1" && pwd) suite=${2:-quick}
if [ "$(id -u)" -ne 0 ] || ! command -v debootstrap >/dev/null; then
    echo "SKIPPED: needs root and debootstrap"
    exit 0
fi
if [ -x "$packages/ci/package" ]; then
    "$packages/ci/package" --no-install "$packages/out/package" >/dev/null
    packages=$packages/out/package
fi
release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
mirror=$(awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /^https?:/) { print $i; exit } } /^URIs:/ { print $2; exit }' \
    /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null) || true

# In a mount namespace of its own: whatever ends this, nothing stays mounted.
if [ "${CLEAN_SYSTEM_INSIDE:-}" != yes ]; then
    export CLEAN_SYSTEM_INSIDE=yes
    exec unshare --mount --propagation private "$0" "$packages" "$suite"
fi
root=$(mktemp -d)
trap 'umount -R "$root/proc" "$root/sys" "$root/dev" 2>/dev/null || true; rm -rf --one-file-system "$root"' EXIT

debootstrap --variant=minbase "$release" "$root" ${mirror:+"$mirror"} >"$root.log" 2>&1 || {
    tail -n 5 "$root.log"
    exit 1
}
rm -f "$root.log"
cp /etc/resolv.conf "$root/etc/"
# How packages are fetched here may be set up in apt's configuration.
cp -r /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
inside() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp/home LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
files() { # everything but what apt and dpkg write about themselves
    (cd "$root" && find . -xdev \( -path ./proc -o -path ./sys -o -path ./dev -o -path ./tmp -o -path ./var/cache \
        -o -path ./var/lib/apt -o -path ./var/log -o -path ./var/lib/dpkg -o -name __pycache__ \) -prune -o -print | sort)
}

mkdir -p "$root/tmp/packages" "$root/tmp/home"
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
files >"$root/tmp/after"
if ! diff "$root/tmp/before" "$root/tmp/after"; then
    echo "FAIL: the purge left or took files"
    exit 1
fi
echo "installed, ran $suite, purged: nothing left behind"
