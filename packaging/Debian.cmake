# The Debian packages: faultline, libslabuddyX.Y, libslabuddy-dev, faultline-doc. `ci/package` builds them.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "") # each package has its own
set(FAULTLINE_MAINTAINER "faultline maintainers <maintainers@faultline.invalid>" CACHE STRING "of the Debian packages: Name <address>")
set(CPACK_PACKAGE_CONTACT "${FAULTLINE_MAINTAINER}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL faultline slabuddy slabuddy-dev doc)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_VERSION "${FAULTLINE_VERSION}")
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_PRE_BUILD_SCRIPTS "${CMAKE_CURRENT_SOURCE_DIR}/before_packing.cmake")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

# faultline_packages(OUT GROUP OPTIONAL): what ci/packages.txt lists for GROUP, as a Depends field has it;
# OPTIONAL says whether those that a distribution may lack are meant, or the others.
function(faultline_packages out group optional)
  file(STRINGS "${PROJECT_SOURCE_DIR}/ci/packages.txt" lines REGEX "^${group} ")
  set(names "")
  foreach(line IN LISTS lines)
    string(REGEX MATCH " optional" is_optional "${line}")
    string(REGEX REPLACE "^${group} +([^ ]+).*" "\\1" name "${line}")
    string(REPLACE "|" " | " name "${name}")
    if((is_optional AND optional) OR (NOT is_optional AND NOT optional))
      list(APPEND names "${name}")
    endif()
  endforeach()
  list(JOIN names ", " names)
  set(${out} "${names}" PARENT_SCOPE)
endfunction()
faultline_packages(python reports NO)
faultline_packages(python_extras reports YES)
faultline_packages(allocators allocators YES)

set(release "${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}")
set(same "(= ${CPACK_DEBIAN_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})")

set(CPACK_DEBIAN_FAULTLINE_PACKAGE_NAME faultline)
set(CPACK_DEBIAN_FAULTLINE_PACKAGE_SECTION devel)
# The programs in Python are started by others that look for its modules: nothing finds out by itself what they need.
set(CPACK_DEBIAN_FAULTLINE_PACKAGE_DEPENDS "libslabuddy${release} ${same}, ${python}")
set(CPACK_DEBIAN_FAULTLINE_PACKAGE_RECOMMENDS "${allocators}")
set(CPACK_DEBIAN_FAULTLINE_PACKAGE_CONTROL_EXTRA "${CMAKE_CURRENT_SOURCE_DIR}/prerm")
set(CPACK_DEBIAN_FAULTLINE_PACKAGE_SUGGESTS "faultline-doc, ${python_extras}")
set(CPACK_DEBIAN_FAULTLINE_DESCRIPTION "Benchmarks and stress tests for memory allocators
Runs synthetic patterns and recorded programs on glibc's malloc, jemalloc,
mimalloc, tcmalloc, tbbmalloc, scudo, slabuddy and any shared object; counts
what each makes the kernel do; makes reports, comparisons and gates of it.")

set(CPACK_DEBIAN_SLABUDDY_PACKAGE_NAME "libslabuddy${release}")
set(CPACK_DEBIAN_SLABUDDY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_SLABUDDY_PACKAGE_CONTROL_EXTRA "${CMAKE_CURRENT_SOURCE_DIR}/triggers")
set(CPACK_DEBIAN_SLABUDDY_DESCRIPTION "malloc built as the kernel's buddy and slab allocators are
To be linked with or preloaded. libslabuddy-checked finds more mistakes of the
program, at a price in time.")

set(CPACK_DEBIAN_SLABUDDY-DEV_PACKAGE_NAME libslabuddy-dev)
set(CPACK_DEBIAN_SLABUDDY-DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_SLABUDDY-DEV_PACKAGE_DEPENDS "libslabuddy${release} ${same}")
set(CPACK_DEBIAN_SLABUDDY-DEV_DESCRIPTION "malloc built as the kernel's allocators are, for development
The header with the kernel's calls (sb_kmalloc, sb_kmem_cache_create,
sb_alloc_pages), pkg-config file, CMake package and manual page.")

set(CPACK_DEBIAN_DOC_PACKAGE_NAME faultline-doc)
set(CPACK_DEBIAN_DOC_PACKAGE_SECTION doc)
set(CPACK_DEBIAN_DOC_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_DOC_DESCRIPTION "Benchmarks and stress tests for memory allocators, documentation
What each part does, how the figures are made and why to believe them.")

# What every Debian package says of itself: its licence, and what changed.
find_program(FAULTLINE_GZIP gzip)
if(FAULTLINE_GZIP)
  string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
  configure_file(changelog.in changelog.Debian)
  configure_file("${PROJECT_SOURCE_DIR}/CHANGELOG.md" changelog COPYONLY)
  set(changes "")
  foreach(file changelog changelog.Debian)
    set(compressed "${CMAKE_CURRENT_BINARY_DIR}/${file}.gz")
    execute_process(COMMAND "${FAULTLINE_GZIP}" -9nc "${CMAKE_CURRENT_BINARY_DIR}/${file}" OUTPUT_FILE "${compressed}")
    list(APPEND changes "${compressed}")
  endforeach()
  foreach(component IN LISTS CPACK_COMPONENTS_ALL)
    string(TOUPPER ${component} upper)
    install(FILES copyright ${changes} DESTINATION "share/doc/${CPACK_DEBIAN_${upper}_PACKAGE_NAME}"
            COMPONENT ${component})
  endforeach()
endif()
include(CPack)
