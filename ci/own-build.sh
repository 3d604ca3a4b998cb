# shellcheck shell=bash disable=SC2034
# Sourced by own-gate and own-nightly: how slabuddy alone is built in a checkout, and where it is then.
own_library=build/gate/lib/libslabuddy.so
own_build='cmake --preset release -B build/gate -DFAULTLINE_ONLY_SLABUDDY=ON -DBUILD_TESTING=OFF &&
           cmake --build build/gate --target slabuddy'
