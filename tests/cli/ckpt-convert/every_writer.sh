# Every writing command prints its plan, goes on where a deadline stopped it, and does nothing when
# its result is there.
data=$TESTDATA/ckpt-convert
ckpt-convert convert "$data/sharded-safetensors-bf16" w.safetensors --include '^(conv4|dense6)' --quiet
ckpt-convert compress w.safetensors w.ckz --quiet
quantize='--v 2 --k 4 --kiter 3 -o /dev/null'
ckpt-convert quantize w.safetensors w.vq.safetensors $quantize --quiet
echo '{"stages":[["conv4"],["dense6_1"],["dense6_2"]]}' >stages.json

# in_parts NAME ARGUMENTS...: the plan has records and makes nothing; steps of one microsecond end in
# the bytes of one run.
in_parts() {
  local name=$1
  shift
  echo "$1: $(ckpt-convert "$@" "plan-$name" --dry-run | grep -c '"op"') runs"
  [ ! -e "plan-$name" ] || echo "a plan was written"
  ckpt-convert "$@" "whole-$name" --quiet >/dev/null
  local steps=0
  until ckpt-convert "$@" "$name" --deadline 1us --quiet >/dev/null 2>err; do
    grep -q 'the same command goes on' err || cat err
    steps=$((steps + 1))
    [ $steps -lt 60 ] || break
  done
  cmp "$name" "whole-$name" && [ ! -e "$name.partial" ] && echo same
  ckpt-convert "$@" "$name" 2>&1 >/dev/null | grep already
}
in_parts a.ckz compress w.safetensors
in_parts b.safetensors decompress w.ckz
in_parts d.safetensors dequantize w.vq.safetensors
in_parts e.safetensors cast --dtype f16 w.safetensors
in_parts q.safetensors quantize $quantize w.safetensors
in_parts r.safetensors repair --method copy --stage 2 --from-stage 1 --stages stages.json w.safetensors

mkdir d && cp w.safetensors w.ckz d
ckpt-convert protect d --data 2 --parity 1 --dry-run --no-sync
ckpt-convert protect d --data 2 --parity 1 --deadline 1us || echo exit $?
ls -A d
ckpt-convert protect d --data 2 --parity 1
rm d/w.ckz
ckpt-convert repair d --dry-run --quiet
ckpt-convert repair d --deadline 1us --quiet || echo exit $?
[ ! -e d/w.ckz ] && ckpt-convert repair d --quiet && cmp d/w.ckz w.ckz && echo repaired
ckpt-convert compress w.safetensors x.ckz --slice 0/2 || echo exit $?
