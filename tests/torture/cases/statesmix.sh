# shellcheck shell=bash
text=$(torture_make text "head -c 3000 '$STATEUTILS_SOURCE/LICENSE' >@OUT@")
frame=$(torture_make frame.ssmx "statesmix compress -1 -c '$text' >@OUT@")
torture_case compress writer 'statesmix compress -1 -f -o @OUT@ @IN@' in="$text" ext=.ssmx
torture_case compress-pipe filter '<@IN@ statesmix -1' in="$text"
torture_case decompress writer 'statesmix decompress -f -o @OUT@ @IN@' in="$frame" cut=reject flip=verified
torture_case decompress-pipe filter '<@IN@ statesmix -d' in="$frame" cut=reject flip=verified
torture_case list filter 'statesmix list @IN@' in="$frame" cut=reject
torture_case list-pipe filter '<@IN@ statesmix list -' in="$frame" cut=reject
torture_case eval filter 'statesmix eval -1 @IN@' in="$text" mask='"cpu_seconds":[0-9.e+-]*'
torture_case bench filter 'statesmix bench -b 1 -e 1 @IN@' in="$text" mask='[0-9.]+ s( CPU)?|[0-9.]+ [KMG]iB'
# npy SHAPE COUNT: an array of doubles (1/2, 1, -1/4, 3/4 and again) behind a header of version 1.0.
npy() {
  local i doubles=('\340\077' '\360\077' '\320\277' '\350\077')
  printf '\223NUMPY\001\000\166\000%-117s\n' "{'descr': '<f8', 'fortran_order': False, 'shape': $1, }"
  # shellcheck disable=SC2059  # the format is the bytes
  for ((i = 0; i < $2; i++)); do printf "\\0\\0\\0\\0\\0\\0${doubles[i % 4]}"; done
}
decays=$(torture_make a.npy "npy '(256,)' 256 >@OUT@")
states=$(torture_make b.npy "npy '(256, 4)' 1024 >@OUT@")
channels=$(torture_make x.npy "npy '(256, 3)' 768 >@OUT@")
torture_case scan writer "statesmix scan --a '$decays' --b '$states' --c '$states' --x @IN@ -o @OUT@" in="$channels" ext=.npy cut=reject
torture_case scan-split filter "statesmix scan --mode split --ranks 3 --a '$decays' --b '$states' --c '$states' --x @IN@" in="$channels" cut=reject
