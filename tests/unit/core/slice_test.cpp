#include "core/slice.hpp"

#include <doctest.h>
#include <stdlib.h>  // setenv

#include "core/error.hpp"

using namespace stateutils::core;

TEST_CASE("shares cover the whole without overlap, at any size") {
  for (const std::uint64_t total : {0ull, 1ull, 7ull, 1000ull, ~0ull}) {
    for (const std::uint64_t count : {1ull, 2ull, 3ull, 16ull, 1000ull}) {
      std::uint64_t next = 0;
      for (std::uint64_t i = 0; i < count; ++i) {
        const auto [first, last] = Slice{i, count}.range(total);
        CHECK(first == next);
        CHECK(last >= first);
        next = last;
      }
      CHECK(next == total);
    }
  }
}

TEST_CASE("only I/N with I < N is a slice") {
  CHECK(parse_slice("3/16").index == 3);
  CHECK(parse_slice("0/1").whole());
  for (const char* bad : {"", "1", "/2", "2/2", "-1/2", "1/0", "1/2/3", "a/b"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS((void)parse_slice(bad), Error);
  }
}

TEST_CASE("auto reads the launchers' variables in the documented order") {
  for (const char* name : {"SLURM_PROCID", "SLURM_NTASKS", "SLURM_ARRAY_TASK_ID",
                           "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN", "OMPI_COMM_WORLD_RANK",
                           "OMPI_COMM_WORLD_SIZE", "PMI_RANK", "PMI_SIZE"}) {
    ::unsetenv(name);
  }
  CHECK_THROWS_AS((void)parse_slice("auto"), Error);
  ::setenv("PMI_RANK", "1", 1);
  ::setenv("PMI_SIZE", "4", 1);
  CHECK(parse_slice("auto").text() == "1/4");
  ::setenv("OMPI_COMM_WORLD_RANK", "2", 1);
  ::setenv("OMPI_COMM_WORLD_SIZE", "3", 1);
  CHECK(parse_slice("auto").text() == "2/3");
  ::setenv("SLURM_PROCID", "0", 1);  // alone, as in every batch script: no share
  CHECK(parse_slice("auto").text() == "2/3");
  ::setenv("SLURM_NTASKS", "2", 1);
  ::setenv("SLURM_ARRAY_TASK_ID", "5", 1);
  ::setenv("SLURM_ARRAY_TASK_COUNT", "4", 1);
  ::setenv("SLURM_ARRAY_TASK_MIN", "4", 1);
  std::string choice;
  CHECK(parse_slice("auto", &choice).text() == "2/8");
  CHECK(choice == "--slice 2/8 from SLURM_*");
}
