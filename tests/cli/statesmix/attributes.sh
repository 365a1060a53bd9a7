# Mode and time are copied; what was there before needs -f; compressed bytes are not for terminals.
echo data >a; chmod 640 a; touch -d '2020-02-02 02:02:02 UTC' a
statesmix compress -1 a
TZ=UTC stat -c '%a %y' a.ssmx
rm a; statesmix -d a.ssmx; TZ=UTC stat -c '%a %y' a
echo old >b.ssmx; echo x >b
statesmix compress -1 b; echo "exit $?"; cat b.ssmx
echo piped | statesmix -1 -o c.ssmx && statesmix -dc c.ssmx
