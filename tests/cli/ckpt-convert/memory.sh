# A tensor far larger than the limit, in a sparse file: memory stays below the limit and 64 MB.
[ -z "${STATEUTILS_SANITIZED:-}" ] || exit 77  # shadow memory would be measured
size=160000000
header="{\"w\":{\"dtype\":\"F32\",\"shape\":[$((size / 4))],\"data_offsets\":[0,$size]}}"
printf -v pad '%*s' $(((-(${#header} + 8) % 8 + 8) % 8)) ''
header=$header$pad
printf "\\x$(printf %02x ${#header})\\0\\0\\0\\0\\0\\0\\0%s" "$header" >big.safetensors
truncate -s $((8 + ${#header} + size)) big.safetensors
peak() { jq -c "[.peak_rss < (16 + 64) * 1048576]" summary.json; }
ckpt-convert manifest --max-memory 16M big.safetensors --json=summary.json --no-frame && peak
ckpt-convert convert --max-memory 16M --dtype BF16 big.safetensors --threads 7 cast.safetensors --json=summary.json && peak
ckpt-convert cast --max-memory 16M --dtype F8_E4M3 --scale tensor big.safetensors scaled.safetensors --json=summary.json && peak
ckpt-convert convert --max-memory 16M cast.safetensors cast.pt --json=summary.json && peak
