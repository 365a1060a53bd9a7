# From the corpora with their points ([{file, kind, bytes, sha256, points}]) to the table of every
# point, the targets with what was reached, and both as Markdown. Ratios are ours / theirs, smaller
# is better; a target whose peer is absent is left out.

# enwik8's first 1,000,000 bytes, whatever their file is called.
def first_million: "369b688978f649681136198fb96db14c1616756260c55fb4b65e9bc049552cad";

def round_to(n): . * n | round / n;
def seconds: [., 0.01] | max;  # clocks tell no less apart
def named(n): .points | map(select(.name == n)) | first // null;

# One target: FILE's preset against PEER in bytes or cpu_s.
def target(what; unit; ours; peer; most):
  if ours == null or peer == null then empty
  else {file, what: what, unit: unit, ours: ours, peer: peer,
        ratio: (ours / peer | round_to(10000)), target: most, met: (ours / peer <= most)} end;
def size_of(preset; name; most):
  target("-\(preset) size, \(name)"; "bytes"; named("statesmix -\(preset)").bytes; named(name).bytes; most);
def time_of(preset; name; most):
  target("-\(preset) CPU, \(name)"; "s"; named("statesmix -\(preset)").cpu_s | if . then seconds else . end;
         named(name).cpu_s | if . then seconds else . end; most);

def ladder:
  size_of("1"; "lpaq1 6"; 1), time_of("1"; "lpaq1 6"; 1), size_of("1"; "zpaq -m5"; 1), time_of("1"; "zpaq -m5"; 1),
  size_of("3"; "lpaq1 6"; 0.965), time_of("3"; "lpaq1 6"; 3),
  size_of("6"; "lpaq1 6"; 0.92), time_of("6"; "paq8l -6"; 0.25),
  size_of("6"; "StateSMix"; 0.79), time_of("6"; "StateSMix"; 0.1),
  size_of("9"; "paq8l -6"; 0.95), size_of("9"; "paq8px -6"; 1), time_of("9"; "paq8px -6"; 0.5);

def least_of(names): . as $c | [names[] as $n | $c | named($n) | select(. != null)] | min_by(.bytes);
def by_kind:
  if .kind == "noise" then
    target("-6 size, the file"; "bytes"; named("statesmix -6").bytes; .bytes; [1.001, 1 + 104 / .bytes] | max)
  elif .kind == "binary" then size_of("6"; "zpaq -m5"; 1)
  elif .file == "enwik8-3M" then target("-6 size, 606,000"; "bytes"; named("statesmix -6").bytes; 606000; 1)
  elif .sha256 == first_million then empty
  else least_of(["lpaq1 6", "zpaq -m5"]) as $best
    | target("-6 size, \($best.name // "")"; "bytes"; named("statesmix -6").bytes; $best.bytes; 0.93) end;
def there_and_back:
  . as $c | .points[] | select(.back_cpu_s != null and .cpu_s >= 1) as $p
  | $c | target("\($p.name | ltrimstr("statesmix ")) CPU, back against there"; "s"; $p.back_cpu_s; $p.cpu_s; 1.05);

def beaten_by:
  . as $c | .points[] | select(.name | startswith("statesmix ")) as $p
  | {file: $c.file, name: $p.name,
     by: [$c.points[] | select(.name | startswith("statesmix ") | not)
          | select(.bytes < $p.bytes and (.cpu_s | seconds) < ($p.cpu_s | seconds)) | .name]}
  | select(.by != []);

def mib: if . > 0 then "\(. / 1048576 | round) MiB" else "" end;
def points_table:
  "\n### \(.file), \(.bytes) bytes (\(.kind), sha256 \(.sha256[0:16]))\n\n"
  + "| compressor | bytes | bpb | CPU s | back | memory |\n| --- | ---: | ---: | ---: | ---: | ---: |\n"
  + (.bytes as $raw | [.points[]
     | "| \(.name) | \(.bytes) | \(8 * .bytes / $raw | round_to(1000)) | \(.cpu_s) | \(.back_cpu_s // "") | \(.peak_rss | mib) |"]
     | join("\n")) + "\n";
def targets_table:
  "\n### Targets\n\n| corpus | preset and measure, against | ours | theirs | ratio | at most | met |\n"
  + "| --- | --- | ---: | ---: | ---: | ---: | --- |\n"
  + ([.[] | "| \(.file) | \(.what) | \(.ours) | \(.peer) | \(.ratio) | \(.target | round_to(10000)) | \(if .met then "yes" else "no" end) |"]
     | join("\n")) + "\n";

. as $all
| [.[] | (if .sha256 == first_million then ladder else empty end), by_kind, there_and_back] as $targets
| [.[] | beaten_by] as $beaten
| {corpora: $all, targets: $targets, beaten: $beaten, missing: ($missing | split(" ") | map(select(. != "")))}
| . + {markdown: (([$all[] | points_table] | join("")) + ($targets | targets_table)
    + (if $beaten == [] then "\nNo peer is both smaller and faster than a preset.\n"
       else "\nSmaller and faster:\n" + ([$beaten[] | "- \(.file), \(.name): \(.by | join(", "))"] | join("\n")) + "\n" end)
    + (if .missing == [] then "" else "\nNot installed here: \(.missing | join(", ")).\n" end))}
