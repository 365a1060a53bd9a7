# awk -f match.awk EXPECTED ACTUAL: exit 0 when ACTUAL is what EXPECTED says. `...` inside a line of
# EXPECTED matches any text, a line of only `...` any number of lines. Both levels are globs with
# one wildcard, so going back to the latest one met is enough.
function line_matches(want, got,    n, part, i, at, last) {
  n = split_dots(want, part)
  if (n == 1) return (want "") == (got "")  # as text: 1 is not 1.0
  if (substr(got, 1, length(part[1])) != part[1]) return 0
  got = substr(got, length(part[1]) + 1)
  for (i = 2; i < n; i++) {
    if (part[i] == "") continue
    at = index(got, part[i])
    if (at == 0) return 0
    got = substr(got, at + length(part[i]))
  }
  last = part[n]
  return length(got) >= length(last) && substr(got, length(got) - length(last) + 1) == last
}
function split_dots(text, part,    n, at) {
  n = 0
  while ((at = index(text, "...")) > 0) {
    part[++n] = substr(text, 1, at - 1)
    text = substr(text, at + 3)
  }
  part[++n] = text
  return n
}
FILENAME == ARGV[1] { want[++wants] = $0; next }
{ got[++gots] = $0 }
END {
  w = g = 1
  star = 0
  while (g <= gots) {
    if (w <= wants && want[w] == "...") {
      star = w++
      resume = g
    } else if (w <= wants && line_matches(want[w], got[g])) {
      w++
      g++
    } else if (star) {
      w = star + 1
      g = ++resume
    } else {
      exit 1
    }
  }
  while (w <= wants && want[w] == "...") w++
  exit w <= wants
}
