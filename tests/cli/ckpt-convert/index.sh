# What an index says of its shards is checked: a tensor elsewhere, in no shard, in no index, twice.
shard() { # FILE NAME...: U8 tensors of one byte
  local file=$1 header='' at=0
  shift
  for name; do
    header+="${header:+,}\"$name\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[$at,$((at + 1))]}"
    at=$((at + 1))
  done
  header="{$header}"
  printf "\\x$(printf %02x $((${#header} & 255)))\\x$(printf %02x $((${#header} >> 8)))\\0\\0\\0\\0\\0\\0%s" "$header" >"$file"
  head -c $at /dev/zero >>"$file"
}
index() { printf '{"metadata":{},"weight_map":{%s}}' "$1" >model.safetensors.index.json; }
verify() { ckpt-convert verify --no-frame model.safetensors.index.json "$@" || echo exit $?; }
shard b.safetensors b1 b2
shard a.safetensors a1 a2
# The order of the index is not that of the names.
index '"b1":"b.safetensors","a2":"a.safetensors","a1":"a.safetensors","b2":"b.safetensors"'
verify
for threads in 1 2 7; do
  ckpt-convert inspect --no-frame --threads $threads model.safetensors.index.json | grep -o '"name":"[^"]*"' | tr '\n' ' '
done
echo
index '"b1":"a.safetensors","a2":"a.safetensors","zz":"a.safetensors","b2":"b.safetensors"'
verify
ckpt-convert convert model.safetensors.index.json x.safetensors || echo exit $?
index '"b1":"b.safetensors","a1":"a.safetensors","b1":"b.safetensors"'
verify
index '"b1":"b.safetensors","a1":"../a.safetensors"'
verify
index '"b1":"b.safetensors","a1":"gone.safetensors"'
verify
index '"b1":"b.safetensors","a1":3'
verify
# A name in two shards, and a shard that is damaged beside one that is whole.
shard a.safetensors a1 b1
index '"b1":"b.safetensors","a1":"a.safetensors","b2":"b.safetensors"'
verify
truncate -s -1 a.safetensors
verify --threads 2
