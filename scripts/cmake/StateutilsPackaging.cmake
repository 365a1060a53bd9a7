# What an installed stateutils consists of beside binaries, man pages and completions: the CMake
# and pkg-config packages of the libraries, and one Debian package of everything.
include(CMakePackageConfigHelpers)

# The libraries of this build, a domain before the core that it links, and the pkg-config modules
# behind their PkgConfig:: targets.
get_property(libraries GLOBAL PROPERTY STATEUTILS_LIBRARIES)
list(REMOVE_ITEM libraries core)
list(APPEND libraries core)
set(modules "")
foreach(library IN LISTS libraries)
  if(NOT TARGET stateutils_${library})
    continue()
  endif()
  get_target_property(links stateutils_${library} INTERFACE_LINK_LIBRARIES)
  string(REGEX MATCHALL "PkgConfig::[A-Z0-9_]+" links "${links}")
  list(APPEND modules ${links})
endforeach()
list(TRANSFORM modules REPLACE "PkgConfig::" "")
list(REMOVE_DUPLICATES modules)

set(STATEUTILS_CONFIG_PKG "")
set(STATEUTILS_PC_REQUIRES "")
set(STATEUTILS_PC_OTHERS "")
foreach(prefix IN LISTS modules)
  string(APPEND STATEUTILS_CONFIG_PKG "stateutils_find_library(${prefix} ${${prefix}_MODULE})\n")
  if(${prefix}_FOUND)
    string(APPEND STATEUTILS_PC_REQUIRES "${${prefix}_MODULE} ")
  else()
    string(REGEX REPLACE "^lib" "" library ${${prefix}_MODULE})
    string(APPEND STATEUTILS_PC_OTHERS " -l${library}")
  endif()
endforeach()
list(TRANSFORM libraries PREPEND "stateutils::" OUTPUT_VARIABLE STATEUTILS_CONFIG_TARGETS)
list(JOIN STATEUTILS_CONFIG_TARGETS ", " STATEUTILS_CONFIG_TARGETS)
list(TRANSFORM libraries PREPEND "-lstateutils_" OUTPUT_VARIABLE STATEUTILS_PC_LIBS)
list(JOIN STATEUTILS_PC_LIBS " " STATEUTILS_PC_LIBS)
string(APPEND STATEUTILS_PC_LIBS "${STATEUTILS_PC_OTHERS}")
if(STATEUTILS_HAVE_CUDA)
  string(APPEND STATEUTILS_CONFIG_PKG "find_dependency(CUDAToolkit)\n")
  get_target_property(cudart CUDA::cudart_static LOCATION)
  string(APPEND STATEUTILS_PC_LIBS " ${cudart} -ldl -lrt")
endif()

set(config_folder "${CMAKE_INSTALL_LIBDIR}/cmake/stateutils")
configure_package_config_file(scripts/cmake/stateutilsConfig.cmake.in
  "${CMAKE_BINARY_DIR}/stateutilsConfig.cmake" INSTALL_DESTINATION "${config_folder}")
write_basic_package_version_file("${CMAKE_BINARY_DIR}/stateutilsConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_BINARY_DIR}/stateutilsConfig.cmake"
  "${CMAKE_BINARY_DIR}/stateutilsConfigVersion.cmake" scripts/cmake/StateutilsFindLibrary.cmake DESTINATION "${config_folder}")
install(EXPORT stateutilsTargets NAMESPACE stateutils:: DESTINATION "${config_folder}")

# The prefix is known only when the files are installed (cmake --install --prefix, CPack).
configure_file(scripts/cmake/stateutils.pc.in "${CMAKE_BINARY_DIR}/stateutils.pc.in" @ONLY)
file(READ "${CMAKE_BINARY_DIR}/stateutils.pc.in" pc_text)
string(REGEX REPLACE "prefix=[^\n]*" "prefix=@CMAKE_INSTALL_PREFIX@" pc_text "${pc_text}")
file(WRITE "${CMAKE_BINARY_DIR}/stateutils.pc.in" "${pc_text}")
install(CODE "
  configure_file(\"${CMAKE_BINARY_DIR}/stateutils.pc.in\" \"${CMAKE_BINARY_DIR}/stateutils.pc\" @ONLY)
  file(INSTALL \"${CMAKE_BINARY_DIR}/stateutils.pc\"
       DESTINATION \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/pkgconfig\")")

# Debian wants a copyright file and a changelog of its own form; the version lives in project().
set(maintainer "stateutils developers <stateutils@example.org>")
file(TIMESTAMP "${CMAKE_SOURCE_DIR}/CHANGELOG.md" changelog_date "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(WRITE "${CMAKE_BINARY_DIR}/debian/changelog" "stateutils (${PROJECT_VERSION}) unstable; urgency=medium

  * All changes are listed in CHANGELOG.md of the source.

 -- ${maintainer}  ${changelog_date}
")
file(WRITE "${CMAKE_BINARY_DIR}/debian/copyright"
"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: stateutils

Files: *
Copyright: 2026 the stateutils authors
License: Apache-2.0
 On Debian systems the full text of the Apache License, version 2.0, is in
 /usr/share/common-licenses/Apache-2.0.
")
if(GZIP_EXECUTABLE)
  execute_process(COMMAND ${GZIP_EXECUTABLE} -9nf "${CMAKE_BINARY_DIR}/debian/changelog")
  install(FILES "${CMAKE_BINARY_DIR}/debian/changelog.gz" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
endif()
install(FILES "${CMAKE_BINARY_DIR}/debian/copyright" "${CMAKE_SOURCE_DIR}/README.md"
  DESTINATION "${CMAKE_INSTALL_DOCDIR}" OPTIONAL)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME stateutils)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "${maintainer}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Unix tools for the state inside AI systems")
set(CPACK_PACKAGE_DESCRIPTION
"Six filters for people who build and study AI systems: sbus-check finds
anomalies in the shared state of agents, ckpt-convert moves checkpoints
between formats without running them, statesmix compresses with a state
space model, qmc-sample makes low-discrepancy points, gen-bench generates
tasks for agents and judges them, kv-sim simulates caches and schedulers
of language model servers.")
set(CPACK_PACKAGE_DIRECTORY "${CMAKE_BINARY_DIR}/package")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE
  GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
