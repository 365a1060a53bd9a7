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

# These publish as convert does, by the same code: the long faults need them no more.
torture_case extract writer 'ckpt-convert extract @IN@ model.a.w @OUT@ --force' in="$zip" ext=.npy cut=reject flip=verified skip=killed skip=stopped
torture_case merge writer 'ckpt-convert merge @IN@ @IN@ @OUT@ --op mean --force' in="$plain" ext=.safetensors cut=reject skip=killed skip=stopped
torture_case cast writer 'ckpt-convert cast @IN@ @OUT@ --dtype f8_e4m3 --scale row --force' in="$plain" ext=.safetensors cut=reject skip=killed skip=stopped
# What changes a folder has no name to choose.
shards=$(torture_make shards "ckpt-convert convert '$data/torch-made/many_small.zip.pt' @OUT@/ --max-shard-size 1k --to safetensors --quiet")
torture_case protect folder 'ckpt-convert protect @OUT@ --data 4 --parity 2 --threads 1' given="$shards" skip=odd_names
damaged=$(torture_make damaged "cp -r '$shards' @OUT@ && ckpt-convert protect @OUT@ --data 4 --parity 2 --quiet &&
  rm @OUT@/model-00002-* && truncate -s 100 @OUT@/model-00003-*")
torture_case repair folder 'ckpt-convert repair @OUT@ --quiet --threads 1' given="$damaged" skip=odd_names
layers=$(torture_make layers.safetensors "ckpt-convert convert '$data/torch-made/many_small.zip.pt' @OUT@ --include '^layer[.][01][.]'")
printf '{"stages":[["layer.0."],["layer.1."]]}' >"$work/stages.json"
torture_case recover writer "ckpt-convert repair @IN@ @OUT@ --method copy --stage 0 --from-stage 1 --stages '$work/stages.json' --force --quiet" in="$layers" ext=.safetensors cut=reject skip=killed skip=stopped
mkdir -p "$work/inputs/steps"
torture_case snapshot folder 'ckpt-convert snapshot --source @IN@ --steps 9 --out @OUT@ --quiet -o /dev/null --threads 1' in="$plain" given="$work/inputs/steps" skip=odd_names
