// The family `par`: make a serial C function parallel.
#include <algorithm>

#include "bench/families/contracts/parallel_check.hpp"
#include "bench/families/small/small.hpp"
#include "core/json_writer.hpp"

namespace stateutils::bench {
namespace {

// The serial function is the solution without its directives.
struct Kernel {
  std::string_view slug, inputs, solution;
};

constexpr Kernel kKernels[] = {
    {"scale", "n=16..64 x=-9..9 a[n]=-99..99 out[n]=0..0",
     R"(void scale(const int* a, int* out, int n, int x) {
  #pragma omp parallel for
  for (int i = 0; i < n; ++i) {
    out[i] = a[i] * x + 1;
  }
})"},
    {"dot", "n=16..64 a[n]=-99..99 b[n]=-99..99",
     R"(int dot(const int* a, const int* b, int n) {
  int sum = 0;
  #pragma omp parallel for reduction(+: sum)
  for (int i = 0; i < n; ++i) {
    sum += a[i] * b[i];
  }
  return sum;
})"},
    {"largest", "n=12..24 a[n]=-999..999",
     R"(int largest(const int* a, int n) {
  int best = a[0];
  #pragma omp parallel for reduction(max: best)
  for (int i = 1; i < n; ++i) {
    if (a[i] > best) best = a[i];
  }
  return best;
})"},
    {"count_between", "n=16..64 low=-9..0 high=0..9 a[n]=-20..20",
     R"(int count_between(const int* a, int n, int low, int high) {
  int count = 0;
  #pragma omp parallel for reduction(+: count)
  for (int i = 0; i < n; ++i) {
    if (a[i] >= low && a[i] <= high) count += 1;
  }
  return count;
})"},
    {"polynomial", "n=16..48 p=-3..3 q=-5..5 r=-9..9 a[n]=-20..20 out[n]=0..0",
     R"(void polynomial(const int* a, int* out, int n, int p, int q, int r) {
  int x;
  #pragma omp parallel for private(x)
  for (int i = 0; i < n; ++i) {
    x = a[i];
    out[i] = (p * x + q) * x + r;
  }
})"},
    {"matrix_vector",
     "rows=8..12 columns=3..6 cells=72..72 m[cells]=-9..9 x[columns]=-9..9 y[rows]=0..0",
     R"(void matrix_vector(const int* m, const int* x, int* y, int rows, int columns, int cells) {
  #pragma omp parallel for
  for (int i = 0; i < rows; ++i) {
    int sum = 0;
    for (int j = 0; j < columns; ++j) {
      sum += m[i * columns + j] * x[j];
    }
    y[i] = sum;
  }
})"},
    {"row_sums", "rows=8..12 columns=3..6 cells=72..72 m[cells]=-99..99 out[rows]=0..0",
     R"(void row_sums(const int* m, int* out, int rows, int columns, int cells) {
  int j;
  int sum;
  #pragma omp parallel for private(j, sum)
  for (int i = 0; i < rows; ++i) {
    sum = 0;
    for (j = 0; j < columns; ++j) {
      sum += m[i * columns + j];
    }
    out[i] = sum;
  }
})"},
    {"stencil", "n=18..64 a[n]=-99..99 out[n]=0..0",
     R"(void stencil(const int* a, int* out, int n) {
  #pragma omp parallel for
  for (int i = 1; i < n - 1; ++i) {
    out[i] = a[i - 1] + 2 * a[i] + a[i + 1];
  }
})"},
    {"transpose", "n=4..8 cells=64..64 a[cells]=-99..99 out[cells]=0..0",
     R"(void transpose(const int* a, int* out, int n, int cells) {
  #pragma omp parallel for
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) {
      out[j * n + i] = a[i * n + j];
    }
  }
})"},
    {"nearest_pair", "n=8..12 a[n]=-99..99",
     R"(int nearest_pair(const int* a, int n) {
  int best = 1000;
  #pragma omp parallel for reduction(min: best)
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) {
      int gap = a[i] - a[j];
      if (j != i && gap >= 0 && gap < best) best = gap;
    }
  }
  return best;
})"},
    {"turned_flags", "n=16..48 a[n]=-9..9 flags[n]=0..0",
     R"(int turned_flags(const int* a, int* flags, int n) {
  int all = 0;
  #pragma omp parallel for
  for (int i = 0; i < n; ++i) {
    flags[n - 1 - i] = a[i] > 0 ? 1 << (a[i] % 8) : 0;
  }
  #pragma omp parallel for reduction(|: all)
  for (int i = 0; i < n; ++i) {
    all |= flags[i];
  }
  return all;
})"},
};

std::string instruction_of(const ParallelSpec& spec) {
  return "Make this C function run on " + std::to_string(mini_c::kThreads) +
         " threads by OpenMP directives (#pragma omp parallel for, with private(...) and "
         "reduction(OP: ...)):\n" +
         spec.serial +
         "\nIts results must stay what they are on every input, no two iterations of a parallel "
         "loop may touch the same place when one of them writes it, and the slowest thread must be "
         "about as quick as that of a good solution; to start and join the threads of a loop costs "
         "as much as " +
         std::to_string(mini_c::kForkSteps) +
         " steps. The language is a small C: int, arrays of int, functions, if, while, for, do; no "
         "library. Finish with the text of the program as a JSON string.";
}

}  // namespace

TaskRecord make_par(const SmallOptions& options, std::uint64_t index, core::Rng& rng) {
  const Kernel* kernel = &kKernels[index % std::size(kKernels)];
  for (const auto& [name, value] : options.params) {
    kernel = std::find_if(std::begin(kKernels), std::end(kKernels),
                          [&v = value](const Kernel& k) { return k.slug == v; });
    if (name != "kernel" || kernel == std::end(kKernels)) {
      throw core::usage_error("par takes kernel=NAME with the name of a scenario, not " +
                              core::quoted(name + "=" + value));
    }
  }
  ParallelSpec spec;
  spec.solution = kernel->solution;
  spec.name = rename_function(kernel->slug, spec.solution, rng);
  spec.serial = without_directives(spec.solution);
  spec.inputs = kernel->inputs;
  spec.seed = rng.below(1ull << 53);
  TaskRecord task = small_record(options, kernel->slug, "programming", index, instruction_of(spec));
  std::string function;
  core::JsonWriter json(function);
  json.begin_object().field("name", spec.name).field("inputs", spec.inputs);
  json.field("seed", spec.seed).field("serial", spec.serial).field("solution", spec.solution);
  json.end_object();
  task.set("function", function);
  return task;
}

void read_par(const Cursor& json, Store& store, Task& task) {
  const Cursor function = json.at("function");
  const auto text = [&](const char* key) { return std::string(function.at(key).string()); };
  ParallelSpec spec{text("name"), text("inputs"), text("serial"), text("solution"),
                    static_cast<std::uint64_t>(function.at("seed").integer())};
  judge_by(function_check<ParallelCheck>(function, std::move(spec)), store, task);
}

}  // namespace stateutils::bench
