# One set of compiler settings for every target. The library targets that are preloaded (slabuddy, nullmalloc, the
# recorder) add their own on top.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET default)

add_compile_options(-Wall -Wextra -Werror)
add_compile_definitions(_GNU_SOURCE)

set(FAULTLINE_SANITIZE "" CACHE STRING "address, undefined or thread: build with that sanitizer")
if(FAULTLINE_SANITIZE)
  add_compile_options(-fsanitize=${FAULTLINE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${FAULTLINE_SANITIZE})
endif()

# Two builds of one commit in different places are the same, byte for byte.
option(FAULTLINE_REPRODUCIBLE "Leave the paths of this build out of what is built" OFF)
if(FAULTLINE_REPRODUCIBLE)
  add_compile_options("-ffile-prefix-map=${CMAKE_BINARY_DIR}=build" "-ffile-prefix-map=${CMAKE_SOURCE_DIR}=.")
endif()

# A compiler cache makes a second build of the same sources nearly free; it is never required.
find_program(FAULTLINE_CCACHE ccache)
if(FAULTLINE_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER "${FAULTLINE_CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${FAULTLINE_CCACHE}")
endif()

# Every source is watched by the fuzzers, not only their own.
if(FAULTLINE_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
