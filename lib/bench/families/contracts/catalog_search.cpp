#include "bench/families/contracts/catalog.hpp"

namespace stateutils::bench {
namespace {

constexpr NamedAlgorithm kSearches[] = {
    {"find", "the first index at which x stands in a, or -1", "n=0..8 a[n]=-3..3 x=-3..3",
     "return n >= 0;",
     R"(if (result == -1) {
    for (int i = 0; i < n; ++i) if (a[i] == x) return 0;
    return 1;
  }
  if (result < 0 || result >= n || a[result] != x) return 0;
  for (int i = 0; i < result; ++i) if (a[i] == x) return 0;
  return 1;)",
     R"(int find(const int* a, int n, int x) {
  for (int i = 0; i < n; ++i) {
    if (a[i] == x) return i;
  }
  return -1;
})"},
    {"find_last", "the last index at which x stands in a, or -1", "n=0..8 a[n]=-3..3 x=-3..3",
     "return n >= 0;",
     R"(if (result < -1 || result >= n) return 0;
  if (result >= 0 && a[result] != x) return 0;
  for (int i = result + 1; i < n; ++i) if (a[i] == x) return 0;
  return 1;)",
     R"(int find_last(const int* a, int n, int x) {
  int at = -1;
  for (int i = 0; i < n; ++i) {
    if (a[i] == x) at = i;
  }
  return at;
})"},
    {"largest", "the largest element of a", "n=1..8 a[n]=-9..9", "return n >= 1;",
     R"(int met = 0;
  for (int i = 0; i < n; ++i) {
    if (a[i] > result) return 0;
    if (a[i] == result) met = 1;
  }
  return met;)",
     R"(int largest(const int* a, int n) {
  int best = a[0];
  for (int i = 1; i < n; ++i) {
    if (a[i] > best) best = a[i];
  }
  return best;
})"},
    {"argmin", "the first index of the smallest element of a", "n=1..8 a[n]=-4..4",
     "return n >= 1;",
     R"(if (result < 0 || result >= n) return 0;
  for (int i = 0; i < n; ++i) {
    if (a[i] < a[result] || (i < result && a[i] == a[result])) return 0;
  }
  return 1;)",
     R"(int argmin(const int* a, int n) {
  int best = 0;
  for (int i = 1; i < n; ++i) {
    if (a[i] < a[best]) best = i;
  }
  return best;
})"},
    {"count", "how often x stands in a", "n=0..8 a[n]=-2..2 x=-2..2", "return n >= 0;",
     R"(int seen = 0;
  for (int i = 0; i < n; ++i) seen += a[i] == x;
  return seen == result;)",
     R"(int count(const int* a, int n, int x) {
  int hits = 0;
  for (int i = 0; i < n; ++i) {
    if (a[i] == x) hits = hits + 1;
  }
  return hits;
})"},
    {"sum", "the sum of a", "n=0..8 a[n]=-99..99", "return n >= 0;",
     R"(int left = result;
  for (int i = 0; i < n; ++i) left -= a[i];
  return left == 0;)",
     R"(int sum(const int* a, int n) {
  int total = 0;
  for (int i = 0; i < n; ++i) {
    total = total + a[i];
  }
  return total;
})"},
    {"dot", "the inner product of a and b", "n=0..6 a[n]=-9..9 b[n]=-9..9", "return n >= 0;",
     R"(int left = result;
  for (int i = 0; i < n; ++i) left -= a[i] * b[i];
  return left == 0;)",
     R"(int dot(const int* a, const int* b, int n) {
  int total = 0;
  for (int i = 0; i < n; ++i) {
    total += a[i] * b[i];
  }
  return total;
})"},
    {"is_sorted", "1 when a never descends, else 0", "n=0..6 a[n]=0..3", "return n >= 0;",
     R"(int ok = 1;
  for (int i = 1; i < n; ++i) if (a[i] < a[i - 1]) ok = 0;
  return result == ok;)",
     R"(int is_sorted(const int* a, int n) {
  for (int i = 1; i < n; ++i) {
    if (a[i - 1] > a[i]) return 0;
  }
  return 1;
})"},
    {"binary_search", "an index of x in the sorted a, or -1; elements of a differ",
     "n=0..8 a[n]=-9..9< x=-9..9",
     "for (int i = 1; i < n; ++i) if (a[i] <= a[i - 1]) return 0;\n  return n >= 0;",
     R"(if (result != -1) return result >= 0 && result < n && a[result] == x;
  for (int i = 0; i < n; ++i) if (a[i] == x) return 0;
  return 1;)",
     R"(int binary_search(const int* a, int n, int x) {
  int low = 0;
  int high = n - 1;
  while (low <= high) {
    int middle = low + (high - low) / 2;
    if (a[middle] == x) return middle;
    if (a[middle] < x) {
      low = middle + 1;
    } else {
      high = middle - 1;
    }
  }
  return -1;
})"},
    {"lower_bound", "the first index of the sorted a whose element is not below x, or n",
     "n=0..8 a[n]=-5..5< x=-6..6",
     "for (int i = 1; i < n; ++i) if (a[i] < a[i - 1]) return 0;\n  return n >= 0;",
     R"(if (result < 0 || result > n) return 0;
  for (int i = 0; i < n; ++i) if ((a[i] < x) != (i < result)) return 0;
  return 1;)",
     R"(int lower_bound(const int* a, int n, int x) {
  int low = 0;
  int high = n;
  while (low < high) {
    int middle = (low + high) / 2;
    if (a[middle] < x) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
})"},
    {"longest_run", "the length of the longest run of equal neighbours in a", "n=0..9 a[n]=0..1",
     "return n >= 0;",
     R"(int best = 0;
  for (int i = 0; i < n; ++i) {
    int j = i;
    while (j < n && a[j] == a[i]) ++j;
    if (j - i > best) best = j - i;
  }
  return result == best;)",
     R"(int longest_run(const int* a, int n) {
  int best = 0;
  int run = 0;
  for (int i = 0; i < n; ++i) {
    if (i > 0 && a[i] == a[i - 1]) {
      run = run + 1;
    } else {
      run = 1;
    }
    if (run > best) best = run;
  }
  return best;
})"},
    {"largest_segment", "the largest sum of a run of neighbours in a, the empty run's being 0",
     "n=0..8 a[n]=-9..9", "return n >= 0;",
     R"(int best = 0;
  for (int i = 0; i < n; ++i) {
    int s = 0;
    for (int j = i; j < n; ++j) {
      s += a[j];
      if (s > best) best = s;
    }
  }
  return result == best;)",
     R"(int largest_segment(const int* a, int n) {
  int best = 0;
  int here = 0;
  for (int i = 0; i < n; ++i) {
    here = here + a[i];
    if (here < 0) here = 0;
    if (here > best) best = here;
  }
  return best;
})"},
    {"majority",
     "the value that more than half of a has, or -1 when there is none; a is not negative",
     "n=0..7 a[n]=0..1", "return n >= 0;",
     R"(int want = -1;
  for (int i = 0; i < n; ++i) {
    int seen = 0;
    for (int j = 0; j < n; ++j) seen += a[j] == a[i];
    if (seen * 2 > n) want = a[i];
  }
  return result == want;)",
     R"(int majority(const int* a, int n) {
  int candidate = -1;
  int votes = 0;
  for (int i = 0; i < n; ++i) {
    if (votes == 0) {
      candidate = a[i];
      votes = 1;
    } else if (a[i] == candidate) {
      votes = votes + 1;
    } else {
      votes = votes - 1;
    }
  }
  int seen = 0;
  for (int i = 0; i < n; ++i) {
    if (a[i] == candidate) seen = seen + 1;
  }
  if (seen * 2 > n) return candidate;
  return -1;
})"},
    {"distinct", "how many different values the sorted a holds", "n=0..8 a[n]=-3..3<",
     "for (int i = 1; i < n; ++i) if (a[i] < a[i - 1]) return 0;\n  return n >= 0;",
     R"(int seen = 0;
  for (int i = 0; i < n; ++i) {
    int fresh = 1;
    for (int j = 0; j < i; ++j) if (a[j] == a[i]) fresh = 0;
    seen += fresh;
  }
  return result == seen;)",
     R"(int distinct(const int* a, int n) {
  int values = 0;
  for (int i = 0; i < n; ++i) {
    if (i == 0 || a[i] != a[i - 1]) values = values + 1;
  }
  return values;
})"},
    {"inversions", "how many pairs i < j of a have a[i] > a[j]", "n=0..7 a[n]=-4..4",
     "return n >= 0;",
     R"(int left = result;
  for (int j = n - 1; j > 0; --j) {
    for (int i = j - 1; i >= 0; --i) if (a[j] < a[i]) --left;
  }
  return left == 0;)",
     R"(int inversions(const int* a, int n) {
  int pairs = 0;
  for (int i = 0; i < n; ++i) {
    for (int j = i + 1; j < n; ++j) {
      if (a[i] > a[j]) pairs = pairs + 1;
    }
  }
  return pairs;
})"},
    {"is_palindrome", "1 when a reads the same from both ends, else 0", "n=0..7 a[n]=0..1",
     "return n >= 0;",
     R"(int same = 1;
  for (int i = 0; i < n; ++i) if (a[i] != a[n - 1 - i]) same = 0;
  return result == same;)",
     R"(int is_palindrome(const int* a, int n) {
  int left = 0;
  int right = n - 1;
  while (left < right) {
    if (a[left] != a[right]) return 0;
    left = left + 1;
    right = right - 1;
  }
  return 1;
})"},
    {"match_at", "the first index of a at which b begins, or -1",
     "n=0..8 m=0..3 a[n]=0..1 b[m]=0..1", "return n >= 0 && m >= 0;",
     R"(int want = -1;
  for (int i = n - m; i >= 0; --i) {
    int same = 1;
    for (int j = 0; j < m; ++j) if (a[i + j] != b[j]) same = 0;
    if (same) want = i;
  }
  return result == want;)",
     R"(int match_at(const int* a, int n, const int* b, int m) {
  for (int i = 0; i + m <= n; ++i) {
    int j = 0;
    while (j < m && a[i + j] == b[j]) {
      j = j + 1;
    }
    if (j == m) return i;
  }
  return -1;
})"},
    {"second_largest",
     "the largest element of a that is below the largest, or the largest when all "
     "are equal",
     "n=1..7 a[n]=-4..4", "return n >= 1;",
     R"(int top = a[0];
  for (int i = 0; i < n; ++i) if (a[i] > top) top = a[i];
  int met = 0;
  int lower = 0;
  for (int i = 0; i < n; ++i) {
    if (a[i] < top) {
      lower = 1;
      if (a[i] > result) return 0;
    }
    if (a[i] == result) met = 1;
  }
  if (lower && result == top) return 0;
  return met;)",
     R"(int second_largest(const int* a, int n) {
  int first = a[0];
  int second = a[0];
  for (int i = 1; i < n; ++i) {
    if (a[i] > first) {
      second = first;
      first = a[i];
    } else if (a[i] < first && (second == first || a[i] > second)) {
      second = a[i];
    }
  }
  return second;
})"},
    {"equal", "1 when a and b hold the same values in the same order, else 0",
     "n=0..5 a[n]=0..1 b[n]=0..1", "return n >= 0;",
     R"(int same = 1;
  for (int i = n - 1; i >= 0; --i) if (a[i] != b[i]) same = 0;
  return result == same;)",
     R"(int equal(const int* a, const int* b, int n) {
  for (int i = 0; i < n; ++i) {
    if (a[i] != b[i]) return 0;
  }
  return 1;
})"},
    {"compare", "-1, 0 or 1 as a comes before, is equal to or comes after b word by word",
     "n=0..5 a[n]=0..2 b[n]=0..2", "return n >= 0;",
     R"(int want = 0;
  for (int i = n - 1; i >= 0; --i) {
    if (a[i] < b[i]) want = -1;
    if (a[i] > b[i]) want = 1;
  }
  return result == want;)",
     R"(int compare(const int* a, const int* b, int n) {
  for (int i = 0; i < n; ++i) {
    if (a[i] < b[i]) return -1;
    if (a[i] > b[i]) return 1;
  }
  return 0;
})"},
    {"evaluate", "the polynomial with the coefficients a, the lowest first, at x",
     "n=0..5 a[n]=-5..5 x=-4..4", "return n >= 0;",
     R"(int left = result;
  int power = 1;
  for (int i = 0; i < n; ++i) {
    left -= a[i] * power;
    power *= x;
  }
  return left == 0;)",
     R"(int evaluate(const int* a, int n, int x) {
  int value = 0;
  for (int i = n - 1; i >= 0; --i) {
    value = value * x + a[i];
  }
  return value;
})"},
    {"pair_sum", "1 when two different places of the sorted a hold values whose sum is x, else 0",
     "n=0..7 a[n]=-6..6< x=-9..9",
     "for (int i = 1; i < n; ++i) if (a[i] < a[i - 1]) return 0;\n  return n >= 0;",
     R"(int met = 0;
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < i; ++j) if (a[i] + a[j] == x) met = 1;
  }
  return result == met;)",
     R"(int pair_sum(const int* a, int n, int x) {
  int left = 0;
  int right = n - 1;
  while (left < right) {
    int total = a[left] + a[right];
    if (total == x) return 1;
    if (total < x) {
      left = left + 1;
    } else {
      right = right - 1;
    }
  }
  return 0;
})"},
};

}  // namespace

std::span<const NamedAlgorithm> search_algorithms() {
  return kSearches;
}

}  // namespace stateutils::bench
