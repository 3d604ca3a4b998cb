# Tests stand beside what they test. Labels: a test without one runs in ci/test; `slow`, `soak`, `fuzz`, `power` and
# `bench` run with `ci/test --all` and at night.
include(CTest)
if(GTest_FOUND)
  include(GoogleTest)
endif()

# faultline_test(NAME SOURCES... LIBS... [LOCK WORD]): a GoogleTest program whose cases become CTest tests named
# NAME.Case. Of those with the same lock one runs at a time: `host` is for what changes or compares swap and cgroups.
function(faultline_test name)
  cmake_parse_arguments(ARG "ALONE" "LOCK" "SOURCES;LIBS;LABELS" ${ARGN})
  if(NOT GTest_FOUND OR NOT BUILD_TESTING)
    return()
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LIBS} GTest::gtest_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  set(labels "")
  if(ARG_LABELS)
    set(labels LABELS "${ARG_LABELS}") # an empty value would make CTest take the next word for one
  endif()
  set(lock "")
  if(ARG_LOCK)
    set(lock RESOURCE_LOCK "${ARG_LOCK}")
  endif()
  set(alone "")
  if(ARG_ALONE)
    set(alone RUN_SERIAL TRUE)
  endif()
  gtest_discover_tests(${name} TEST_PREFIX "${name}." DISCOVERY_MODE PRE_TEST
                       PROPERTIES TIMEOUT 300 SKIP_REGULAR_EXPRESSION "SKIPPED" ${labels} ${lock} ${alone})
endfunction()
