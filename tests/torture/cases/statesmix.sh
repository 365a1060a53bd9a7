# shellcheck shell=bash
text=$(torture_make text "head -c 3000 '$STATEUTILS_SOURCE/LICENSE' >@OUT@")
frame=$(torture_make frame.ssmx "statesmix compress -1 -c '$text' >@OUT@")
torture_case compress writer 'statesmix compress -1 -f -o @OUT@ @IN@' in="$text" ext=.ssmx
torture_case compress-pipe filter '<@IN@ statesmix -1' in="$text"
torture_case decompress writer 'statesmix decompress -f -o @OUT@ @IN@' in="$frame" cut=reject flip=verified
torture_case decompress-pipe filter '<@IN@ statesmix -d' in="$frame" cut=reject flip=verified
