#!/bin/bash
# Runs a command in process, mount, network and host-name namespaces of its own, with an empty /mnt in memory: whatever
# ends the command or this script, its processes, ports and files are gone with it. Needs root.
# Usage: sealed.sh COMMAND...
set -euo pipefail
PATH=/usr/sbin:/sbin:$PATH
for program in munged slurmctld slurmd sbatch; do
    command -v "$program" >/dev/null || { echo "SKIPPED: $program is not installed; ci/install cluster"; exit 0; }
done
if [ "$(id -u)" -ne 0 ] || ! unshare --pid --fork --mount-proc --net --uts true 2>/dev/null; then
    echo "SKIPPED: needs root that may make namespaces"
    exit 0
fi
# An address beside loopback's: without one, getaddrinfo() finds not even 127.0.0.1.
# shellcheck disable=SC2016 # for the shell inside
exec unshare --pid --fork --kill-child --mount-proc --net --mount --uts --ipc /bin/sh -c '
    mount -t tmpfs faultline /mnt && ip link set lo up && ip addr add 10.255.255.1/32 dev lo && hostname cluster &&
    echo "127.0.0.1 cluster localhost" >/mnt/hosts && mount --bind /mnt/hosts /etc/hosts && exec "$@"' sealed "$@"
