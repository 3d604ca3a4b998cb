#!/bin/bash
# Does in a fresh Debian system (debootstrap, as root) what ci/kubernetes/Containerfile says, with no container engine, and
# runs the manifest's shell line there as the only index. Usage: kubernetes_image_test.sh FOLDER-OF-PACKAGES|SOURCE-FOLDER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../packaging/tests/debian_root.sh"
containerfile=$here/../kubernetes/Containerfile
release=$(sed -n 's|^FROM docker.io/library/debian:\(.*\)-slim$|\1|p' "$containerfile")
debian_root "$release" "$here/$(basename "$0")" "$1"

while read -r instruction words; do
    case $instruction in
        COPY) # of packages alone
            [ "$words" = "out/package/*.deb /tmp/packages/" ] || { echo "FAIL: what is COPY $words?"; exit 1; }
            mkdir -p "$root/tmp/packages"
            cp "$packages"/*.deb "$root/tmp/packages/"
            ;;
        RUN)
            echo "RUN $words"
            inside /bin/sh -c "$words"
            ;;
        FROM | ENTRYPOINT | '#'* | '') ;;
        *) echo "FAIL: what is $instruction?"; exit 1 ;;
    esac
done <"$containerfile"

line=$(/usr/bin/python3 -c 'import sys, yaml
print(yaml.safe_load(sys.stdin)["spec"]["template"]["spec"]["containers"][0]["args"][0])' <"$here/../kubernetes/job.yaml")
mkdir "$root/results"
inside RESULTS=/results SHARDS=1 SEED=1 JOB_COMPLETION_INDEX=0 HOSTNAME=only \
    PLAN="glibc-simple -a all --rounds 2 --idle-ms 0" /bin/sh -c "$line"
inside faultline merge /results/shard-1.json -o /results/whole.json
[ -s "$root/results/whole.json" ]
echo "the image runs its shard"
