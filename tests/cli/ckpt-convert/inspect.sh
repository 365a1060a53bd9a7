cp "$TESTDATA"/ckpt-convert/torch-made/nested.zip.pt "$TESTDATA"/ckpt-convert/torch-made/special_values.zip.pt .
ckpt-convert inspect nested.zip.pt --tree
ckpt-convert inspect special_values.zip.pt --stats --hash --no-frame
ckpt-convert inspect --include '^model' --no-frame - <nested.zip.pt
