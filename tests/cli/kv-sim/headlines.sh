# The cheap headlines run: what was published beside what is simulated, and on which side it falls.
command -v python3 >/dev/null || exit 77
"$STATEUTILS_SOURCE/scripts/kv-headlines" mooncake lserve tokenweave >lines || exit 1
jq -c '[.headline, .direction, (.published | length > 0), (.assumptions | length > 0)]' lines
"$STATEUTILS_SOURCE/scripts/kv-headlines" perpetuum 2>&1 | head -1
