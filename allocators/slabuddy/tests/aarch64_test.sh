#!/bin/bash
# Builds slabuddy for 64-bit Arm and runs its unit tests under qemu-user. Usage: aarch64_test.sh SOURCE_DIRECTORY CMAKE
source=$1 cmake=$2
for tool in aarch64-linux-gnu-g++ qemu-aarch64; do
    command -v $tool >/dev/null || { echo "SKIPPED: $tool is not installed: ci/install cross"; exit 77; }
done
cd "$source" || exit 1
"$cmake" --preset aarch64 && "$cmake" --build --preset aarch64 && "${cmake%cmake}ctest" --preset aarch64 --parallel 2
