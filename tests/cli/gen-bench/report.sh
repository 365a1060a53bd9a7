# Tables, JSON, page and pictures of the same scores; nothing of an agent's name runs or escapes.
gen-bench generate --family conflict17 -n 40 --quiet -o tasks
for agent in oracle noop; do gen-bench run --agent builtin:$agent tasks -o $agent; done
cat oracle noop | grep '"task_id"' | gen-bench score --no-frame -o scores -
gen-bench report scores --html page.html --svg charts.svg --png charts.png
gen-bench report scores | sed -n 2,3p | cut -c1-50
gen-bench report scores --json | jq -c '.agents, .groups[0], (.scores | length)'
grep -c 'https\?:\|src=\|url(' page.html
grep -o '<svg' page.html | wc -l
head -c 8 charts.png | od -An -tx1
sed -i 's/builtin:noop/<script>\\u001b[31mx/' scores
gen-bench report scores --html page.html
grep -c '<script\|'$'\x1b' page.html
grep -o '&lt;script&gt;x' page.html | head -1
gen-bench report scores | grep -c $'\x1b'
python3 - <<'P' || exit 77
import struct, sys, zlib
d = open('charts.png', 'rb').read()
at, rows = 8, b''
while at < len(d):
    n, kind = struct.unpack('>I4s', d[at:at + 8])
    body = d[at + 8:at + 8 + n]
    assert zlib.crc32(kind + body) == struct.unpack('>I', d[at + 8 + n:at + 12 + n])[0]
    if kind == b'IHDR': w, h = struct.unpack('>II', body[:8])
    if kind == b'IDAT': rows += body
    at += 12 + n
assert len(zlib.decompress(rows)) == h * (3 * w + 1)
P
