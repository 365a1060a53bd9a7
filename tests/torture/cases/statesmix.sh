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
# Decays of 1/2, one double after the other behind a header of version 1.0.
decays=$(torture_make a.npy "{ printf '\\223NUMPY\\001\\000\\166\\000'; printf '%-117s\\n' \"{'descr': '<f8', 'fortran_order': False, 'shape': (512,), }\"
  for i in \$(seq 512); do printf '\\0\\0\\0\\0\\0\\0\\340\\077'; done; } >@OUT@")
states=$(torture_make b.npy 'qmc-sample points sobol -d 4 -n 512 --randomize none -o @OUT@')
channels=$(torture_make x.npy 'qmc-sample points sobol -d 3 -n 512 --randomize none -o @OUT@')
torture_case scan writer "statesmix scan --a '$decays' --b '$states' --c '$states' --x @IN@ -o @OUT@" in="$channels" ext=.npy cut=reject
torture_case scan-split filter "statesmix scan --mode split --ranks 3 --a '$decays' --b '$states' --c '$states' --x @IN@" in="$channels" cut=reject
