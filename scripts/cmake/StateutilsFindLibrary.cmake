# stateutils_find_library(PREFIX MODULE): the target PkgConfig::PREFIX, by pkg-config or, where the
# distribution ships no .pc file (simdjson on Ubuntu 22.04), by the library's name.
macro(stateutils_find_library prefix module)
  pkg_check_modules(${prefix} QUIET IMPORTED_TARGET ${module})
  if(NOT ${prefix}_FOUND AND NOT TARGET PkgConfig::${prefix})
    string(REGEX REPLACE "^lib" "" _stateutils_stem ${module})
    find_library(${prefix}_WITHOUT_PC ${_stateutils_stem} REQUIRED)
    add_library(PkgConfig::${prefix} INTERFACE IMPORTED)
    set_target_properties(PkgConfig::${prefix} PROPERTIES
      INTERFACE_LINK_LIBRARIES "${${prefix}_WITHOUT_PC}")
  endif()
  set(${prefix}_MODULE ${module})
endmacro()
