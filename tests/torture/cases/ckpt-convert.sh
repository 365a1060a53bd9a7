# shellcheck shell=bash disable=SC2154
data=$TESTDATA/ckpt-convert
zip=$data/torch-made/nested.zip.pt
plain=$(torture_make plain.safetensors "ckpt-convert convert '$zip' @OUT@")
torture_case convert writer 'ckpt-convert convert @IN@ @OUT@ --force' in="$zip" ext=.safetensors cut=reject flip=verified lock
# One thread for folders: strace counts calls per thread, and a second signal kills at once.
torture_case shards folder 'ckpt-convert convert @IN@ @OUT@/ --force --max-shard-size 4k --threads 1' in="$data/torch-made/many_small.zip.pt"
# As torch does, the file's own name is part of a PyTorch archive: other names, other bytes.
torture_case to-torch writer 'ckpt-convert convert @IN@ @OUT@ --to pt --force' in="$plain" ext=.pt cut=reject skip=odd_names
torture_case stream filter 'ckpt-convert convert @IN@ -' in="$data/torch-made/strided.zip.pt" cut=reject
torture_case inspect filter 'ckpt-convert inspect --hash @IN@' in="$plain" cut=reject
torture_case manifest writer 'ckpt-convert manifest @IN@ -o @OUT@' in="$zip" cut=reject flip=verified
torture_case to-dcp folder 'ckpt-convert convert @IN@ @OUT@ --to dcp --ranks 3 --force --threads 1' in="$zip"
torture_case compress writer 'ckpt-convert compress @IN@ @OUT@ --force' in="$plain" ext=.ckz cut=reject
squeezed=$(torture_make squeezed.ckz "ckpt-convert compress '$plain' @OUT@")
torture_case decompress writer 'ckpt-convert decompress @IN@ @OUT@ --force' in="$squeezed" ext=.safetensors cut=reject flip=verified
torture_case quantize writer 'ckpt-convert quantize @IN@ @OUT@ --v 2 --k 4 --quiet --force -o /dev/null' in="$plain" ext=.safetensors cut=reject
coded=$(torture_make coded.safetensors "ckpt-convert quantize '$plain' @OUT@ --v 2 --k 4 --quiet -o /dev/null")
torture_case dequantize writer 'ckpt-convert dequantize @IN@ @OUT@ --force' in="$coded" ext=.safetensors cut=reject
torture_case universal folder 'ckpt-convert reshard @IN@ @OUT@ --to universal --force --threads 1' in="$plain"
