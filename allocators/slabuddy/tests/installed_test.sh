#!/bin/bash
# Installs slabuddy into a scratch prefix and builds a C program against it by pkg-config and by CMake; the manual page
# is well-formed and names every option and every call. Usage: installed_test.sh BUILD_DIRECTORY CMAKE
build=$1 cmake=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
    echo "FAIL: $1"
    exit 1
}

prefix=$work/prefix
for component in slabuddy slabuddy-dev; do
    "$cmake" --install "$build" --component $component --prefix "$prefix" >"$work/log" ||
        fail "install: $(tail -3 "$work/log")"
done
cd "$work" || exit 1
library=$(find "$prefix" -name libslabuddy.so)
libraries=$(dirname "$library")
[ "$(readelf -d "$library" | sed -n 's/.*soname: \[\(.*\)\]/\1/p')" = libslabuddy.so.0.1 ] || fail "soname of $library"
[ -e "$libraries/libslabuddy.so.0.1" ] || fail "the soname's link is missing"

cat >program.c <<'SOURCE'
#include <slabuddy.h>
#include <stdio.h>
#include <stdlib.h>
int main(void) {
    struct sb_kmem_cache* cache = sb_kmem_cache_create("points", 24, 0, 0, NULL);
    void* point = sb_kmem_cache_alloc(cache, GFP_KERNEL);
    free(malloc(100));
    sb_kmem_cache_free(cache, point);
    printf("%s %s\n", sb_version(), sb_check() ? sb_check() : "sound");
    return sb_kmem_cache_destroy(cache);
}
SOURCE
export PKG_CONFIG_PATH=$libraries/pkgconfig
if command -v pkg-config >/dev/null; then
    # shellcheck disable=SC2046 # several words
    cc -Wall -Werror -std=c99 program.c $(pkg-config --cflags --libs slabuddy) -o by_pkg_config || fail "pkg-config: build"
    said=$(LD_LIBRARY_PATH=$libraries ./by_pkg_config) || fail "pkg-config: run"
    [[ $said == "$(pkg-config --modversion slabuddy) sound" ]] || fail "pkg-config: $said"
else
    echo "left out: pkg-config is not installed"
fi

mkdir project
cat >project/CMakeLists.txt <<'LISTS'
cmake_minimum_required(VERSION 3.25)
project(user LANGUAGES C)
find_package(slabuddy 0.1 REQUIRED)
foreach(flavour slabuddy slabuddy-checked)
  add_executable(by_${flavour} ../program.c)
  target_link_libraries(by_${flavour} slabuddy::${flavour})
endforeach()
LISTS
{ "$cmake" -S project -B out -DCMAKE_PREFIX_PATH="$prefix" && "$cmake" --build out; } >"$work/log" 2>&1 ||
    fail "CMake: $(tail -5 "$work/log")"
[[ $(out/by_slabuddy) == *" sound" ]] || fail "CMake: the program"
[[ $(out/by_slabuddy-checked) == *"-checked sound" ]] || fail "CMake: the checked program"

page=$(find "$prefix" -name slabuddy.3)
options=$(SLABUDDY_OPTIONS=help LD_PRELOAD=$library /bin/true 2>&1 | sed -n 's/^  \([a-z_]*\) .*/\1/p')
[ "$(printf '%s\n' "$options" | wc -l)" -ge 8 ] || fail "no table of options"
for option in $options; do
    grep -q "^\.It Cm $option$" "$page" || fail "slabuddy.3 does not name the option $option"
done
for call in $(nm -D --defined-only "$library" | sed -n 's/.* T \(sb_.*\)/\1/p'); do
    grep -q "^\.Fn $call " "$page" || fail "slabuddy.3 does not name $call"
    grep -q "\b$call(" "$prefix/include/slabuddy.h" || fail "slabuddy.h does not declare $call"
done
if command -v mandoc >/dev/null; then
    said=$(mandoc -Tlint -Wwarning "$page") || fail "mandoc: $said"
elif command -v groff >/dev/null; then
    said=$(groff -mandoc -ww -Tutf8 "$page" 2>&1 >/dev/null)
    [ -z "$said" ] || fail "groff: $said"
fi
