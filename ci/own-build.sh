# shellcheck shell=bash disable=SC2034,SC2016
# Sourced by own-gate and own-nightly: how slabuddy alone is built in a checkout, and where it is then. The compiler cache
# knows it again in the next checkout, wherever that is.
own_library=build/gate/lib/libslabuddy.so
own_build='export CCACHE_BASEDIR="$PWD" CCACHE_NOHASHDIR=true &&
           cmake --preset release -B build/gate -DFAULTLINE_ONLY_SLABUDDY=ON -DBUILD_TESTING=OFF &&
           cmake --build build/gate --target slabuddy'
