# FAULTLINE_VERSION: what `faultline --version` and every document say. The number is that of project(). Beyond the tag of
# that release (v0.1.0) comes how far and which commit, as 0.1.0+12.gdd71d23e90ab; before it which commit, as
# 0.1.0~gdd71d23e90ab (to Debian, later and earlier than 0.1.0). From an unpacked archive, without git, it is the number
# alone. How much of a commit's name git shows by itself depends on the clone: a shallow one shows less. A commit that is
# tagged as another release than project() says is refused.
set(FAULTLINE_VERSION "${PROJECT_VERSION}")
find_package(Git QUIET)
if(Git_FOUND AND EXISTS "${PROJECT_SOURCE_DIR}/.git")
  set(git "${GIT_EXECUTABLE}" -C "${PROJECT_SOURCE_DIR}")
  execute_process(COMMAND ${git} describe --tags --long --abbrev=12 --match "v${PROJECT_VERSION}" OUTPUT_VARIABLE beyond
                  RESULT_VARIABLE untagged OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  execute_process(COMMAND ${git} rev-parse --short=12 HEAD OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE
                  ERROR_QUIET)
  execute_process(COMMAND ${git} tag --points-at HEAD --list "v[0-9]*" OUTPUT_VARIABLE tags
                  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  string(REPLACE "\n" ";" tags "${tags}")
  if(tags AND NOT "v${PROJECT_VERSION}" IN_LIST tags)
    message(FATAL_ERROR "this commit is tagged ${tags}, and project() in CMakeLists.txt says ${PROJECT_VERSION}")
  endif()
  if(untagged AND commit)
    string(APPEND FAULTLINE_VERSION "~g${commit}")
  elseif(beyond MATCHES "-([1-9][0-9]*)-(g[0-9a-f]+)$")
    string(APPEND FAULTLINE_VERSION "+${CMAKE_MATCH_1}.${CMAKE_MATCH_2}")
  endif()
  # Configure again when the branch moves.
  execute_process(COMMAND ${git} rev-parse --path-format=absolute --git-path logs/HEAD OUTPUT_VARIABLE moves
                  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(EXISTS "${moves}")
    set_property(DIRECTORY "${PROJECT_SOURCE_DIR}" APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${moves}")
  endif()
endif()
