# What the build needs, and what it can do without. A missing optional library turns its feature off and says so in
# one line here; `faultline doctor` says it again later, from FAULTLINE_FEATURES_OFF.
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(tl-expected REQUIRED)
find_package(benchmark REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(LIBCRYPTO REQUIRED IMPORTED_TARGET libcrypto) # libssl-dev: SHA-256

set(FAULTLINE_FEATURES_OFF "")

# faultline_optional(VARIABLE WHAT PACKAGE): records the feature WHAT as off when VARIABLE is false.
macro(faultline_optional variable what package)
  if(NOT ${variable})
    message(STATUS "faultline: off: ${what}; install ${package} and configure again")
    list(APPEND FAULTLINE_FEATURES_OFF "${what}|${package}")
  endif()
endmacro()

pkg_check_modules(ZSTD QUIET IMPORTED_TARGET libzstd)
faultline_optional(ZSTD_FOUND "compressed traces (.zst)" libzstd-dev)
pkg_check_modules(ARCHIVE QUIET IMPORTED_TARGET libarchive)
faultline_optional(ARCHIVE_FOUND "reading traces from .zip, .gz and .tar archives" libarchive-dev)
pkg_check_modules(LIBELF QUIET IMPORTED_TARGET libelf)
faultline_optional(LIBELF_FOUND "checking a library's architecture and symbols before it is loaded" libelf-dev)
pkg_check_modules(NCURSES QUIET IMPORTED_TARGET ncursesw)
faultline_optional(NCURSES_FOUND "the full screen of `faultline monitor`" libncurses-dev)
if(NOT DEFINED BUILD_TESTING OR BUILD_TESTING)
  find_package(GTest QUIET)
  faultline_optional(GTest_FOUND "the C++ tests" libgtest-dev)
endif()
