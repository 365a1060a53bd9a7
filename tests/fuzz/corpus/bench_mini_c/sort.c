int largest(const int* a, int n) { int best = a[0]; for (int i = 1; i < n; ++i) if (a[i] > best) best = a[i]; return best; }
void sort(int* a, int n) { int t[3] = {1}; while (n-- > 0) { do { a[0] += largest(a, 2) % 3 << 1; } while (a[0] < 9 && !t[1]); } }
