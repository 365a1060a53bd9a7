# Every dependency is a Debian package; scripts/setup.sh installs them.
include(StateutilsFindLibrary)
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)
stateutils_find_library(ZSTD libzstd)
stateutils_find_library(SIMDJSON simdjson)
stateutils_find_library(CRYPTO libcrypto)
stateutils_find_library(RE2 re2)  # ckpt-convert: patterns of untrusted files in linear time
stateutils_find_library(UTF8PROC libutf8proc)  # gen-bench: Unicode normal form
pkg_check_modules(LIBPQ QUIET IMPORTED_TARGET libpq)  # sbus-check: PostgreSQL, where it is there
set(LIBPQ_MODULE libpq)
find_path(XXHASH_INCLUDE_DIR xxhash.h REQUIRED)
find_path(NLOHMANN_JSON_INCLUDE_DIR nlohmann/json.hpp REQUIRED)
find_path(CLI11_INCLUDE_DIR CLI/CLI.hpp REQUIRED)
if(BUILD_TESTING)
  find_path(DOCTEST_INCLUDE_DIR NAMES doctest.h PATH_SUFFIXES doctest REQUIRED)
endif()
