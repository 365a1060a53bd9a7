#include "bench/families/contracts/catalog.hpp"

namespace stateutils::bench {
namespace {

constexpr NamedAlgorithm kOrderings[] = {
    {"insertion_sort", "puts a into ascending order", "n=0..7 a[n]=-9..9", "return n >= 0;",
     "if (!same_values(a, old_a, n)) return 0;\n  for (int i = 1; i < n; ++i) if (a[i] < a[i - 1]) "
     "return 0;\n  return 1;",
     R"(void insertion_sort(int* a, int n) {
  for (int i = 1; i < n; ++i) {
    int held = a[i];
    int j = i;
    while (j > 0 && a[j - 1] > held) {
      a[j] = a[j - 1];
      j = j - 1;
    }
    a[j] = held;
  }
})"},
    {"selection_sort", "puts a into descending order", "n=0..7 a[n]=-9..9", "return n >= 0;",
     "if (!same_values(a, old_a, n)) return 0;\n  for (int i = 1; i < n; ++i) if (a[i] > a[i - 1]) "
     "return 0;\n  return 1;",
     R"(void selection_sort(int* a, int n) {
  for (int i = 0; i < n; ++i) {
    int best = i;
    for (int j = i + 1; j < n; ++j) {
      if (a[j] > a[best]) best = j;
    }
    int held = a[i];
    a[i] = a[best];
    a[best] = held;
  }
})"},
    {"reverse", "turns a round", "n=0..7 a[n]=-9..9", "return n >= 0;",
     "for (int i = 0; i < n; ++i) if (a[i] != old_a[n - 1 - i]) return 0;\n  return 1;",
     R"(void reverse(int* a, int n) {
  int left = 0;
  int right = n - 1;
  while (left < right) {
    int held = a[left];
    a[left] = a[right];
    a[right] = held;
    left = left + 1;
    right = right - 1;
  }
})"},
    {"rotate", "moves every element of a one place to the front, the first to the end",
     "n=1..7 a[n]=-9..9", "return n >= 1;",
     R"(for (int i = 0; i + 1 < n; ++i) if (a[i] != old_a[i + 1]) return 0;
  return a[n - 1] == old_a[0];)",
     R"(void rotate(int* a, int n) {
  int first = a[0];
  for (int i = 0; i + 1 < n; ++i) {
    a[i] = a[i + 1];
  }
  a[n - 1] = first;
})"},
    {"swap_ends", "exchanges the elements i and j of a", "n=1..6 i=0..5 j=0..5 a[n]=-9..9",
     "return i >= 0 && i < n && j >= 0 && j < n;",
     R"(if (a[i] != old_a[j] || a[j] != old_a[i]) return 0;
  for (int k = 0; k < n; ++k) if (k != i && k != j && a[k] != old_a[k]) return 0;
  return 1;)",
     R"(void swap_ends(int* a, int n, int i, int j) {
  int held = a[i];
  a[i] = a[j];
  a[j] = held;
})"},
    {"fill", "sets every element of a to x", "n=0..6 a[n]=-9..9 x=-9..9", "return n >= 0;",
     "for (int i = 0; i < n; ++i) if (a[i] != x) return 0;\n  return 1;",
     R"(void fill(int* a, int n, int x) {
  for (int i = 0; i < n; ++i) {
    a[i] = x;
  }
})"},
    {"replace", "sets every element of a that is x to y and gives their number",
     "n=0..7 a[n]=-2..2 x=-2..2 y=-2..2", "return n >= 0;",
     R"(int seen = 0;
  for (int i = 0; i < n; ++i) {
    if (a[i] != (old_a[i] == x ? y : old_a[i])) return 0;
    seen += old_a[i] == x;
  }
  return result == seen;)",
     R"(int replace(int* a, int n, int x, int y) {
  int hits = 0;
  for (int i = 0; i < n; ++i) {
    if (a[i] == x) {
      a[i] = y;
      hits = hits + 1;
    }
  }
  return hits;
})"},
    {"remove",
     "takes every x out of a, keeps the order of the rest at the front, and gives its "
     "length",
     "n=0..7 a[n]=-1..1 x=-1..1", "return n >= 0;",
     R"(int kept = 0;
  for (int i = 0; i < n; ++i) {
    if (old_a[i] == x) continue;
    if (a[kept] != old_a[i]) return 0;
    ++kept;
  }
  return result == kept;)",
     R"(int remove(int* a, int n, int x) {
  int kept = 0;
  for (int i = 0; i < n; ++i) {
    if (a[i] != x) {
      a[kept] = a[i];
      kept = kept + 1;
    }
  }
  return kept;
})",
     true},
    {"unique", "keeps one of each run of equal neighbours of a at the front and gives their number",
     "n=0..8 a[n]=0..2", "return n >= 0;",
     R"(int kept = 0;
  for (int i = 0; i < n; ++i) {
    if (i > 0 && old_a[i] == old_a[i - 1]) continue;
    if (a[kept] != old_a[i]) return 0;
    ++kept;
  }
  return result == kept;)",
     R"(int unique(int* a, int n) {
  int kept = 0;
  for (int i = 0; i < n; ++i) {
    if (i == 0 || a[i] != a[kept - 1]) {
      a[kept] = a[i];
      kept = kept + 1;
    }
  }
  return kept;
})",
     true},
    {"partition", "puts the elements of a below x before the others and gives their number",
     "n=0..7 a[n]=-5..5 x=-5..5", "return n >= 0;",
     R"(if (!same_values(a, old_a, n)) return 0;
  if (result < 0 || result > n) return 0;
  for (int i = 0; i < n; ++i) if ((a[i] < x) != (i < result)) return 0;
  return 1;)",
     R"(int partition(int* a, int n, int x) {
  int low = 0;
  for (int i = 0; i < n; ++i) {
    if (a[i] < x) {
      int held = a[i];
      a[i] = a[low];
      a[low] = held;
      low = low + 1;
    }
  }
  return low;
})",
     true},
    {"prefix_sums", "replaces every element of a by the sum of all up to it", "n=0..7 a[n]=-9..9",
     "return n >= 0;",
     R"(int total = 0;
  for (int i = 0; i < n; ++i) {
    total += old_a[i];
    if (a[i] != total) return 0;
  }
  return 1;)",
     R"(void prefix_sums(int* a, int n) {
  for (int i = 1; i < n; ++i) {
    a[i] = a[i] + a[i - 1];
  }
})"},
    {"copy", "copies b to a", "n=0..6 a[n]=-9..9 b[n]=-9..9", "return n >= 0;",
     "for (int i = 0; i < n; ++i) if (a[i] != b[i]) return 0;\n  return 1;",
     R"(void copy(int* a, const int* b, int n) {
  for (int i = 0; i < n; ++i) {
    a[i] = b[i];
  }
})"},
    {"merge", "writes the sorted a and the sorted b into c in ascending order",
     "n=0..4 m=0..4 k=0..8 a[n]=-5..5< b[m]=-5..5< c[k]=0..0",
     R"(for (int i = 1; i < n; ++i) if (a[i] < a[i - 1]) return 0;
  for (int i = 1; i < m; ++i) if (b[i] < b[i - 1]) return 0;
  return k == n + m;)",
     R"(for (int i = 0; i < k; ++i) {
    if (i > 0 && c[i] < c[i - 1]) return 0;
    int more = 0;
    for (int j = 0; j < k; ++j) more += c[j] == c[i];
    for (int j = 0; j < n; ++j) more -= a[j] == c[i];
    for (int j = 0; j < m; ++j) more -= b[j] == c[i];
    if (more != 0) return 0;
  }
  return 1;)",
     R"(void merge(const int* a, int n, const int* b, int m, int* c, int k) {
  int i = 0;
  int j = 0;
  for (int t = 0; t < k; ++t) {
    if (j >= m || (i < n && a[i] <= b[j])) {
      c[t] = a[i];
      i = i + 1;
    } else {
      c[t] = b[j];
      j = j + 1;
    }
  }
})"},
    {"next_permutation",
     "turns a into the next larger order of its elements and gives 1, or leaves "
     "it and gives 0 when it is the largest",
     "n=1..5 a[n]=0..3", "return n >= 1;",
     R"(if (!same_values(a, old_a, n)) return 0;
  int last = 1;
  for (int i = 1; i < n; ++i) if (old_a[i - 1] < old_a[i]) last = 0;
  if (last) {
    for (int i = 0; i < n; ++i) if (a[i] != old_a[i]) return 0;
    return result == 0;
  }
  int p = 0;
  while (p < n && a[p] == old_a[p]) ++p;
  if (result != 1 || p == n || a[p] <= old_a[p]) return 0;
  for (int i = p + 1; i < n; ++i) {
    if (i > p + 1 && a[i] < a[i - 1]) return 0;
    if (a[i] > old_a[p] && a[i] < a[p]) return 0;
    if (i > p + 1 && old_a[i] > old_a[i - 1]) return 0;
  }
  return 1;)",
     R"(int next_permutation(int* a, int n) {
  int i = n - 2;
  while (i >= 0 && a[i] >= a[i + 1]) {
    i = i - 1;
  }
  if (i < 0) return 0;
  int j = n - 1;
  while (a[j] <= a[i]) {
    j = j - 1;
  }
  int held = a[i];
  a[i] = a[j];
  a[j] = held;
  int left = i + 1;
  int right = n - 1;
  while (left < right) {
    held = a[left];
    a[left] = a[right];
    a[right] = held;
    left = left + 1;
    right = right - 1;
  }
  return 1;
})"},
    {"sieve", "sets a[i] to 1 for every prime i below n and to 0 for the others",
     "n=0..30 a[n]=0..1", "return n >= 0;",
     R"(for (int i = 0; i < n; ++i) {
    int divisors = 0;
    for (int d = 1; d <= i; ++d) divisors += i % d == 0;
    if (a[i] != (divisors == 2)) return 0;
  }
  return 1;)",
     R"(void sieve(int* a, int n) {
  for (int i = 0; i < n; ++i) {
    a[i] = i >= 2;
  }
  for (int i = 2; i * i < n; ++i) {
    if (a[i] == 1) {
      for (int j = i * i; j < n; j = j + i) {
        a[j] = 0;
      }
    }
  }
})"},
    {"add_one",
     "adds 1 to the number whose decimal digits are in a, the lowest first, and gives the "
     "carry",
     "n=0..4 a[n]=0..9", "for (int i = 0; i < n; ++i) if (a[i] > 9) return 0;\n  return n >= 0;",
     R"(int before = 0;
  int after = 0;
  int scale = 1;
  for (int i = 0; i < n; ++i) {
    if (a[i] < 0 || a[i] > 9) return 0;
    before += old_a[i] * scale;
    after += a[i] * scale;
    scale *= 10;
  }
  return (result == 0 || result == 1) && before + 1 == after + result * scale;)",
     R"(int add_one(int* a, int n) {
  int carry = 1;
  for (int i = 0; i < n; ++i) {
    if (carry == 0) return 0;
    if (a[i] == 9) {
      a[i] = 0;
    } else {
      a[i] = a[i] + 1;
      carry = 0;
    }
  }
  return carry;
})"},
};

}  // namespace

std::span<const NamedAlgorithm> ordering_algorithms() {
  return kOrderings;
}

}  // namespace stateutils::bench
