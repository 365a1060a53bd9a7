# One target per folder. The folder says the rule: a domain links core and nothing else of ours,
# a tool links its domains.

# File names choose instruction sets: *_avx2.cpp and *_avx512.cpp hold the kernels of that set and
# are left out where the processor family has none. lib/core/isa picks one at run time.
function(stateutils_isa_sources out)
  set(sources ${ARGN})
  if(NOT STATEUTILS_X86)
    list(FILTER sources EXCLUDE REGEX "_(avx2|avx512)\\.cpp$")
  endif()
  foreach(source IN LISTS sources)
    if(source MATCHES "_avx2\\.cpp$")
      set_source_files_properties(${source} PROPERTIES
        COMPILE_OPTIONS "-march=x86-64-v3" SKIP_UNITY_BUILD_INCLUSION ON)
    elseif(source MATCHES "_avx512\\.cpp$")
      set(options "-march=x86-64-v4")
      if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
        # GCC bug 105593: the compiler's own intrinsics start from an undefined register.
        list(APPEND options -Wno-uninitialized -Wno-maybe-uninitialized)
      endif()
      set_source_files_properties(${source} PROPERTIES
        COMPILE_OPTIONS "${options}" SKIP_UNITY_BUILD_INCLUSION ON)
    endif()
  endforeach()
  set(${out} ${sources} PARENT_SCOPE)
endfunction()

# stateutils_library(NAME [LINK libraries...]): a static library of every .cpp (and, with CUDA,
# .cu) below this folder, as stateutils::NAME.
function(stateutils_library name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")
  if(NOT sources)
    return()
  endif()
  stateutils_isa_sources(sources ${sources})
  if(STATEUTILS_HAVE_CUDA)
    file(GLOB_RECURSE cuda_sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cu")
    list(APPEND sources ${cuda_sources})
  endif()
  add_library(stateutils_${name} STATIC ${sources})
  add_library(stateutils::${name} ALIAS stateutils_${name})
  set_target_properties(stateutils_${name} PROPERTIES OUTPUT_NAME stateutils_${name} EXPORT_NAME ${name})
  target_include_directories(stateutils_${name} PUBLIC
    $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/lib> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/stateutils>)
  target_link_libraries(stateutils_${name} PRIVATE $<BUILD_INTERFACE:stateutils_flags> PUBLIC ${ARG_LINK})
  if(STATEUTILS_HAVE_CUDA)
    target_compile_definitions(stateutils_${name} PRIVATE STATEUTILS_HAVE_CUDA=1)
    if(cuda_sources)
      target_link_libraries(stateutils_${name} PRIVATE CUDA::cudart_static)
    endif()
  endif()
  stateutils_unity(stateutils_${name} ALL)
  set_property(GLOBAL APPEND PROPERTY STATEUTILS_LIBRARIES ${name})
  install(TARGETS stateutils_${name} EXPORT stateutilsTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}/"
          DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/stateutils/${name} FILES_MATCHING PATTERN "*.hpp")
endfunction()

# stateutils_unity(TARGET KIND): KIND is TOOLS for what includes the heavy headers (JSON, options) and
# computes little, ALL for the rest, which a developer rather compiles file by file. Names in unnamed
# namespaces must differ within a target.
function(stateutils_unity target kind)
  if(STATEUTILS_UNITY STREQUAL "ALL" OR (STATEUTILS_UNITY AND kind STREQUAL "TOOLS"))
    # Half of a small unit's time goes to headers.
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 24)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      # GCC takes a source of a unit for a header that others could include.
      target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Wno-subobject-linkage>)
    endif()
  endif()
endfunction()

# stateutils_tool(NAME LINK domains...): the binary of tools/NAME from every .cpp of the folder.
function(stateutils_tool name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")
  if(NOT sources)
    return()
  endif()
  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE stateutils_flags ${ARG_LINK} stateutils::core)
  target_compile_definitions(${name} PRIVATE STATEUTILS_VERSION="${PROJECT_VERSION}")
  # The work is in lib/: what parses and prints need not cost the compiler more.
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)
  stateutils_unity(${name} TOOLS)
  set_property(GLOBAL APPEND PROPERTY STATEUTILS_TOOLS ${name})
  install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()

# Every sub-folder with a CMakeLists.txt joins the build: a new tool or domain is a new folder.
macro(stateutils_add_subfolders)
  file(GLOB _folders CONFIGURE_DEPENDS RELATIVE "${CMAKE_CURRENT_SOURCE_DIR}" "${CMAKE_CURRENT_SOURCE_DIR}/*/CMakeLists.txt")
  foreach(_folder IN LISTS _folders)
    get_filename_component(_folder "${_folder}" DIRECTORY)
    add_subdirectory(${_folder})
  endforeach()
endmacro()
