cp "$TESTDATA"/ckpt-convert/torch-made/special_values.zip.pt "$TESTDATA"/ckpt-convert/hostile/pt-bad-crc.pt .
ckpt-convert verify special_values.zip.pt; echo "exit $?"
ckpt-convert verify special_values.zip.pt --nan warn --no-frame; echo "exit $?"
ckpt-convert verify special_values.zip.pt --nan fail --no-frame; echo "exit $?"
ckpt-convert verify pt-bad-crc.pt --no-frame; echo "exit $?"
ckpt-convert verify pt-bad-crc.pt --no-frame --no-crc; echo "exit $?"
ckpt-convert manifest special_values.zip.pt --sha256 | sed 's/"f32"/"f33"/; s/xxh3_128":"./xxh3_128":"0/' >m
ckpt-convert verify special_values.zip.pt --manifest m --no-frame; echo "exit $?"
ckpt-convert verify special_values.zip.pt --json=s --no-frame >/dev/null; jq .checked s
