# Build options, language level and the flags that every target shares.
set(STATEUTILS_CUDA AUTO CACHE STRING "Build the optional CUDA paths: AUTO, ON or OFF")
set_property(CACHE STATEUTILS_CUDA PROPERTY STRINGS AUTO ON OFF)
option(STATEUTILS_WERROR "Treat warnings as errors (CI does)" OFF)
set(STATEUTILS_SANITIZE "" CACHE STRING "Sanitizers for every target, for example address,undefined")
set(STATEUTILS_UNITY TOOLS CACHE STRING "Compile in few large units (a whole build costs less, an edit more): OFF, TOOLS, ALL")
set_property(CACHE STATEUTILS_UNITY PROPERTY STRINGS OFF TOOLS ALL)
option(STATEUTILS_FUZZ "Build the fuzz targets against libFuzzer (needs clang)" OFF)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")

find_program(STATEUTILS_CCACHE ccache)
if(STATEUTILS_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${STATEUTILS_CCACHE}")
endif()

# Contraction differs between targets and would change bits; every sum in this project has a
# written order (see engineering rules on determinism).
add_library(stateutils_flags INTERFACE)
target_compile_options(stateutils_flags INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wpedantic;-Wshadow;-Wconversion;-ffp-contract=off>
  $<$<COMPILE_LANGUAGE:CXX>:-ffile-prefix-map=${CMAKE_SOURCE_DIR}=.>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC bug 105651: false alarms about std::string's operator+.
  target_compile_options(stateutils_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict>)
endif()
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  set(STATEUTILS_X86 ON)
  target_compile_options(stateutils_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-march=x86-64-v2>)
endif()
if(STATEUTILS_WERROR)
  target_compile_options(stateutils_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Werror>)
endif()
if(STATEUTILS_SANITIZE)
  target_compile_options(stateutils_flags INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${STATEUTILS_SANITIZE};-fno-omit-frame-pointer;-fno-sanitize-recover=undefined>)
  if(STATEUTILS_SANITIZE MATCHES "undefined")
    # They cost build time for what ASan and the types already catch.
    target_compile_options(stateutils_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fno-sanitize=vptr,null,object-size>)
  endif()
  target_link_options(stateutils_flags INTERFACE -fsanitize=${STATEUTILS_SANITIZE})
endif()

if(STATEUTILS_FUZZ)
  # Coverage feedback for the libraries under test; the fuzz targets alone link libFuzzer's main.
  target_compile_options(stateutils_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=fuzzer-no-link>)
endif()

set(STATEUTILS_HAVE_CUDA OFF)
if(NOT STATEUTILS_CUDA STREQUAL "OFF")
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    # CMake before 3.25.2 cannot generate CUDA20, and an unset standard inherits 20 from C++.
    set(CMAKE_CUDA_STANDARD 17)
    set(CMAKE_CUDA_STANDARD_REQUIRED ON)
    if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
      set(CMAKE_CUDA_ARCHITECTURES 80 90)
    endif()
    enable_language(CUDA)
    find_package(CUDAToolkit REQUIRED)
    set(STATEUTILS_HAVE_CUDA ON)
  elseif(STATEUTILS_CUDA STREQUAL "ON")
    message(FATAL_ERROR "STATEUTILS_CUDA=ON, but no CUDA compiler was found")
  endif()
endif()
message(STATUS "CUDA paths: ${STATEUTILS_HAVE_CUDA}")
