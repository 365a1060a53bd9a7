int f(int* a, int n) {
  int s = 0, x;
  #pragma omp parallel for private(x) reduction(+: s)
  for (int i = 0; i < n; ++i) { x = a[i]; s += x; a[i] = -x; }
  return s;
}
