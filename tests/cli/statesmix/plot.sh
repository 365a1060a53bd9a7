# Points of one compressor are a line, others dots with their names; what has no name is refused.
{
  echo '{"name":"statesmix -1","bytes":3000,"cpu_s":1.5}'
  echo '{"name":"statesmix -6","bytes":2000,"cpu_s":12}'
  echo '{"name":"xz -9e","bytes":4000,"cpu_s":0.5}'
} >points
statesmix plot points --title 'Two <files>' -o out.svg; echo "exit $?"
grep -o '<polyline' out.svg
grep -o '<title>[^<]*' out.svg
grep -o '>Two[^<]*' out.svg
statesmix plot <points | cmp - <(statesmix plot points); echo "exit $?"
statesmix plot </dev/null | grep -c '</svg>'
echo '{"bytes":1,"cpu_s":1}' | statesmix plot >none; echo "exit $?"
echo '{"name":"a","bytes":-1,"cpu_s":1}' | statesmix plot >none; echo "exit $?"
