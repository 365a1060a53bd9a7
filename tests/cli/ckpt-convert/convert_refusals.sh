cp "$TESTDATA"/ckpt-convert/hostile/pt-bad-crc.pt "$TESTDATA"/ckpt-convert/torch-made/tied.zip.pt .
ckpt-convert convert pt-bad-crc.pt out.safetensors; echo "exit $?"
ckpt-convert convert pt-bad-crc.pt out.safetensors --no-crc; echo "exit $?"
ckpt-convert convert tied.zip.pt out.safetensors; echo "exit $?"
ckpt-convert convert tied.zip.pt out.safetensors --force; echo "exit $?"
ckpt-convert convert absent.pt x.safetensors; echo "exit $?"
ckpt-convert convert tied.zip.pt x.pt --to nothing; echo "exit $?"
ckpt-convert convert tied.zip.pt x.pt --dtype i8; echo "exit $?"
ckpt-convert convert tied.zip.pt x.pt --include '('; echo "exit $?"
echo '[["embed.weight", "other"]]' >rename
ckpt-convert convert tied.zip.pt x.pt --rename rename; echo "exit $?"
ls -A
