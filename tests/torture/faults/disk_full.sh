# shellcheck shell=bash disable=SC2154
# A file system that runs full on the way: error, destination old or absent, nothing left.
[ "$(id -u)" -eq 0 ] && unshare_as=(unshare -m) || unshare_as=(unshare -rm)
if ! "${unshare_as[@]}" mount -t tmpfs -o size=4m none /mnt 2>/dev/null; then
  echo "cannot mount a file system here"
  exit 77
fi

# below_full KIB: a wrapper that leaves KIB of room on a 4 MiB file system mounted at the box.
below_full() {
  # shellcheck disable=SC2016  # the inner shell's words
  echo 'mount -t tmpfs -o size=4m none "$BOX" || exit 99
    if [ "$OLD" = 1 ]; then cp "$BOX/../old" "$DEST"; fi
    if [ -n "$GIVEN" ]; then cp -r "$GIVEN" "$DEST" || exit 99; fi
    free=$(df -k --output=avail "$BOX" | tail -n 1)
    head -c $(((free - ROOM) * 1024)) /dev/zero >"$BOX/filler"
    "$@"
    code=$?
    rm -f "$BOX/filler"
    cp -a "$BOX/." "$KEEP"
    exit $code'
}

torture() {
  local size room index=0
  case $kind in
    filter) return ;;
    folder) size=$(du -sk "$reference" | cut -f 1) ;;
    *) size=$(($(stat -c %s "$reference") / 1024)) ;;
  esac
  for room in 0 4 $((size / 2)) $((size - 4)); do
    if [ "$room" -lt 0 ] || [ "$room" -gt 4000 ]; then continue; fi
    index=$((index + 1))
    fresh_box none
    had_old=$([ "$kind" = writer ] && echo $((index % 2)) || echo 0)
    rm -rf "$work/keep"
    mkdir "$work/keep"
    BOX=$box DEST=$OUT OLD=$had_old ROOM=$room KEEP=$work/keep GIVEN=$given launch "${unshare_as[@]}" bash -c "$(below_full)" below
    rm -rf "$box"
    mv "$work/keep" "$box"
    holds "$room KiB free" 4 "$ok"
    # Success is only possible when the result fits after all (allocation is by pages); of a folder
    # that was given only a part is new.
    [ -z "$given" ] || continue
    if [ "$code" -eq "$ok" ] && [ $((room + 8)) -lt "$size" ]; then fail "$room KiB free: success on a full disk"; fi
  done
}
