#!/usr/bin/env bash
# One page without outside references; names cannot break out of it.
evil='</text><script>alert(1)</script>&\u0007'
{
  echo "{\"op\":\"get\",\"agent\":\"$evil\",\"key\":\"k\",\"status\":200,\"version\":0}"
  echo '{"op":"commit","agent":"b","key":"k","status":200,"expected_version":0,"version":1}'
  echo "{\"op\":\"commit\",\"agent\":\"$evil\",\"key\":\"k\",\"status\":200,\"expected_version\":0,\"version\":2}"
} | sbus-check audit --html page.html --svg first.svg --no-frame >/dev/null
echo "exit $?"
grep -c '<svg' page.html
grep -c '<script\|http://\|https://' page.html
grep -o '<h2>Lost.*</h2>' page.html
tail -n 1 page.html
grep -o 'aria-label="[^"]*' first.svg
sbus-check audit --html clean.html --svg none.svg -o none </dev/null
ls clean.html none.svg 2>&1
sbus-check audit --svg - </dev/null
sbus-check audit --html - </dev/null
