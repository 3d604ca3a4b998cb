#!/bin/bash
# A fresh Debian system in a folder, for tests that install packages into one. To be sourced by a script, which then calls
# debian_root: it goes on in a mount namespace of its own, so that nothing stays mounted whatever ends it, with the system's
# folder in $root, removed at its end, and the packages' in $packages. `inside COMMAND...` runs a command there.

# FOLDER: of packages, or of the sources, of which ci/package makes them first.
debian_root() { # RELEASE SCRIPT FOLDER ARGUMENT...
    local release=$1 script=$2 mirror
    packages=$(cd "$3" && pwd)
    shift 3
    if [ "$(id -u)" -ne 0 ] || ! command -v debootstrap >/dev/null; then
        echo "SKIPPED: needs root and debootstrap"
        exit 0
    fi
    if [ "${DEBIAN_ROOT_INSIDE:-}" != yes ]; then
        if [ -x "$packages/ci/package" ]; then
            "$packages/ci/package" --no-install "$packages/out/package" >/dev/null
            packages=$packages/out/package
        fi
        export DEBIAN_ROOT_INSIDE=yes
        exec unshare --mount --propagation private "$script" "$packages" "$@"
    fi
    mirror=$(awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /^https?:/) { print $i; exit } } /^URIs:/ { print $2; exit }' \
        /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null) || true
    root=$(mktemp -d)
    trap 'umount -R -l "$root/proc" "$root/sys" "$root/dev" 2>/dev/null || true; rm -rf --one-file-system "$root" "$root.log"' EXIT
    debootstrap --variant=minbase "$release" "$root" ${mirror:+"$mirror"} >"$root.log" 2>&1 || {
        tail -n 5 "$root.log"
        exit 1
    }
    cp /etc/resolv.conf "$root/etc/"
    # How packages are fetched here may be set up in apt's configuration.
    cp -r /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/"
    mount -t proc proc "$root/proc"
    mount --rbind /sys "$root/sys"
    mount --rbind /dev "$root/dev"
    mkdir -p "$root/tmp/home"
}

inside() {
    chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp/home LC_ALL=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive "$@"
}
