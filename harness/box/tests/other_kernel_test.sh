#!/bin/bash
# The pressure box and the probes on another kernel than the host's: Debian's own, with control groups of version 2 and
# nothing else, in an emulated machine that lives for this test. There runs a system of a few files in memory: busybox,
# the programs under test and their libraries.
#
#   other_kernel_test.sh BUILD [-- COMMAND]     BUILD: a build folder. COMMAND: run there instead, by hand
#
# Status 77, a skip for CTest: there is no such kernel here, or nothing to run it. ci/install machine has both.
set -euo pipefail
build=$(cd "$1" && pwd)
shift
[ "${1:-}" != -- ] || shift
skip() { echo "SKIPPED: $1; see ci/install machine"; exit 77; }

kernel=$(find /boot -name 'vmlinuz-*' 2>/dev/null | sort -V | tail -1)
[ -n "$kernel" ] || skip "no kernel in /boot"
modules=/lib/modules/${kernel#*vmlinuz-}/kernel
for tool in qemu-system-x86_64 busybox cpio; do
    command -v "$tool" >/dev/null || skip "no $tool"
done
[ "$(uname -m)" = x86_64 ] || skip "the machine is an x86-64"

work=$(mktemp -d "${TMPDIR:-/tmp}/faultline-machine-XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root"/{bin,dev,proc,sys,tmp,var/tmp,run,root,build/bin,build/lib,build/tests,lib/modules}
cp "$(command -v busybox)" "$root/bin/busybox"
for name in sh mount mkdir insmod cat echo poweroff ls grep sleep head tail sed ln sysctl dmesg env free; do
    ln -s busybox "$root/bin/$name"
done
for program in bin/faultline bin/faultline-worker tests/box_test tests/probes_test; do
    strip --strip-debug -o "$root/build/$program" "$build/$program"
done
for library in "$build"/lib/lib*.so; do
    strip --strip-debug -o "$root/build/lib/${library##*/}" "$(readlink -f "$library")"
done
# What they load, under the same paths.
for file in "$root"/build/*/*; do ldd "$file" 2>/dev/null || true; done |
    sed -n 's/^.*=> \(\/[^ ]*\) (.*/\1/p; s/^[[:space:]]*\(\/[^ ]*ld-linux[^ ]*\) (.*/\1/p' | sort -u |
    grep -v "^$root" | while read -r library; do
        mkdir -p "$root${library%/*}"
        cp -L "$library" "$root$library"
    done
# In the order in which they need each other. Those that are not there are built in, or the box says what is missing.
for module in mm/zsmalloc crypto/lzo crypto/lzo-rle drivers/block/zram/zram drivers/virtio/virtio_ring \
    drivers/virtio/virtio drivers/virtio/virtio_pci_{modern,legacy}_dev drivers/virtio/virtio_pci drivers/block/virtio_blk; do
    [ -f "$modules/$module.ko" ] || continue
    cp "$modules/$module.ko" "$root/lib/modules/"
    echo "${module##*/}" >>"$root/lib/modules/order"
done

cat >"$root/init" <<'INIT'
#!/bin/sh
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev 2>/dev/null
mkdir -p /dev/shm
mount -t tmpfs none /tmp
mount -t tmpfs none /run
mount -t cgroup2 none /sys/fs/cgroup
mount -t debugfs none /sys/kernel/debug
mount -t tracefs none /sys/kernel/tracing 2>/dev/null
echo '+memory +cpu' >/sys/fs/cgroup/cgroup.subtree_control
while read -r module; do insmod "/lib/modules/$module.ko"; done </lib/modules/order
mount -t ext4 /dev/vda /var/tmp || echo "no disk for swap files"
export PATH=/bin:/build/bin:/build/tests HOME=/root
sh /commands
printf "\nSTATUS %s\n" $?
poweroff -f
INIT
chmod +x "$root/init"

if [ $# -gt 0 ]; then
    printf '%s\n' "$*" >"$root/commands"
else
    cat >"$root/commands" <<'COMMANDS'
set -e
before=$(cat /proc/swaps; ls /sys/fs/cgroup)
box_test --gtest_color=no --gtest_brief=1
probes_test --gtest_color=no --gtest_brief=1 --gtest_filter='KnownActions.*'
faultline list probes
for group in faults pages page_frees slab syscalls; do # what Linux 6.1 tells of; the rest needs newer ones
    faultline list probes | grep -q "^$group  *bpf-tp  *ok" || { echo "no figures of $group"; false; }
done
faultline run mstress1 anon-touch1:size=32M,passes=2 -a system,slabuddy --rounds 1 --probes all \
    --memory-limit 64M --swap zram:128M -q -o /tmp/r.json
faultline run anon-touch1:size=32M,passes=2 -a system --rounds 1 --memory-limit 24M --swap file:64M -q -o /tmp/f.json
[ "$before" = "$(cat /proc/swaps; ls /sys/fs/cgroup)" ] || { echo "left behind:"; cat /proc/swaps; ls /sys/fs/cgroup; false; }
COMMANDS
fi
(cd "$root" && find . | cpio --quiet -o -H newc) >"$work/initramfs"
truncate -s 512M "$work/disk"
/sbin/mkfs.ext4 -q "$work/disk"
timeout "${LIMIT_S:-1500}" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -m 2048 -smp 2 \
    -nographic -no-reboot -nodefaults -serial stdio -drive "file=$work/disk,format=raw,if=virtio" \
    -kernel "$kernel" -initrd "$work/initramfs" -append 'console=ttyS0 loglevel=3 panic=-1 oops=panic' </dev/null |
    tee "$work/said" | sed 's/\r$//'
grep -q '^STATUS 0' "$work/said"
