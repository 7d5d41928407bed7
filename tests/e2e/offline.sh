#!/bin/sh
# What is out of reach is never taken for deleted: folders that may not be read, disks that are mounted below a
# folder. Needs another user and a mount namespace; where the system gives neither, those parts are left out.
set -u
. tests/e2e/lib.sh

files() {
    "$eye" --library "$lib" status --json | json files
}

# ---- a folder whose names can be read but whose files can't ----
lib=$tmp/lib
mkdir -p "$tmp/pics/shut" "$lib"
cp samples/cat.jpg "$tmp/pics"
cp samples/rose.jpg samples/zebra.jpg "$tmp/pics/shut"
as=""
if [ "$(id -u)" = 0 ]; then
    as="setpriv --reuid=65534 --regid=65534 --clear-groups"
    chown -R 65534:65534 "$tmp"
fi
if $as test -r "$PWD/models/starter/eyeshine.json" && $as test -x "$eye"; then
    code 0 "index as a common user" $as "$eye" --library "$lib" index -q "$tmp/pics"
    chmod 444 "$tmp/pics/shut"
    code 0 "index when a folder's files may not be looked at" $as "$eye" --library "$lib" index "$tmp/pics"
    like "$errout" 'rose.jpg: cannot read the file: Permission denied' "says which"
    is "$(files)" 3 "and keeps what is known of them"
    chmod 755 "$tmp/pics/shut"
    is "$($as "$eye" --library "$lib" index --json "$tmp/pics" | tail -n 1 | json unchanged)" 3 "nothing is embedded again"
else
    pass "skipped: no other user can run the program here"
fi
[ "$(id -u)" != 0 ] || chown -R 0:0 "$tmp"

# ---- disks ----
ns=""
unshare -m true 2>/dev/null && ns="unshare -m"
[ -n "$ns" ] || { unshare -rm true 2>/dev/null && ns="unshare -rm"; }
if [ -z "$ns" ] || ! $ns mount -t tmpfs none "$tmp/pics" 2>/dev/null; then
    pass "skipped: nothing can be mounted here"
    e2e_done
fi

mkdir -p "$tmp/top/usb"
cp samples/cat.jpg "$tmp/top"
# in_disk COMMANDS : with a disk of two pictures at top/usb
in_disk() {
    $ns sh -c "mount -t tmpfs none '$tmp/top/usb' && cp samples/rose.jpg samples/zebra.jpg '$tmp/top/usb' && $1"
}
run="'$eye' --library \"\$lib\" index -q"

export lib=$tmp/once
in_disk "$run '$tmp/top'; umount '$tmp/top/usb'; $run '$tmp/top'"
is "$(files)" 3 "an unmounted disk below a folder keeps its files"

export lib=$tmp/empty
in_disk "$run '$tmp/top'; umount '$tmp/top/usb'; mount -t tmpfs none '$tmp/top/usb'; $run '$tmp/top'"
is "$(files)" 3 "so does a mount point with an empty file system"

export lib=$tmp/absorbed
in_disk "$run '$tmp/top/usb'; umount '$tmp/top/usb'; $run '$tmp/top'"
is "$(files)" 3 "so does a disk that was a folder of its own when its parent is added"

export lib=$tmp/inner
mkdir "$tmp/top/usb.d"
in_disk "mkdir '$tmp/top/usb/in'; mv '$tmp/top/usb/rose.jpg' '$tmp/top/usb/in'
    $run '$tmp/top/cat.jpg'; $run '$tmp/top/usb/in'; umount '$tmp/top/usb'; $run '$tmp/top'"
is "$(files)" 2 "so does one of which only a part was looked at"

export lib=$tmp/bound
mkdir "$tmp/elsewhere"
cp samples/rose.jpg samples/zebra.jpg "$tmp/elsewhere"
$ns sh -c "mount --bind '$tmp/elsewhere' '$tmp/top/usb'; $run '$tmp/top'; umount '$tmp/top/usb'; $run '$tmp/top'"
is "$(files)" 3 "so does a folder that was bound in from the same disk"

# The first run is killed when it has written something of the disk, long before it has seen the end of it.
export lib=$tmp/killed
in_disk "for i in \$(seq 150); do (cat samples/rose.jpg; echo \$i) >'$tmp/top/usb/'\$i.jpg; done
    $run '$tmp/top' & pid=\$!
    n=0
    while kill -0 \$pid && [ \"\$n\" -eq 0 ]; do
        sleep 0.1
        n=\$(sqlite3 -readonly \"\$lib/library.db\" \"select count(*) from file where cast(rel as text) like 'usb/%'\" || echo 0)
    done 2>/dev/null
    kill -9 \$pid; wait \$pid
    '$eye' --library \"\$lib\" status --json >'$tmp/before'
    umount '$tmp/top/usb'; $run '$tmp/top'" 2>/dev/null
before=$(json files <"$tmp/before")
unlike "$before" '^(0|1|153)$' "a first run killed half way"
is "$(files)" "$before" "and the disk unmounted: its files are kept too"

# A library on a medium that can only be read.
mkdir "$tmp/ro"
found=$($ns sh -c "mount -t tmpfs none '$tmp/ro' && cp -r '$tmp/once' '$tmp/ro/lib' && mount -o remount,ro '$tmp/ro' &&
    '$eye' --library '$tmp/ro/lib' search --json -n 3 a cat && '$eye' --library '$tmp/ro/lib' status >/dev/null &&
    '$eye' --library '$tmp/ro/lib' verify -q >&2; echo \$?")
is "$(printf '%s\n' "$found" | grep -c '"path"')" 3 "a library on a read-only medium can be searched"
is "$(printf '%s\n' "$found" | tail -n 1)" 0 "its status be seen, and be verified"
said=$($ns sh -c "mount -t tmpfs none '$tmp/ro' && cp -r '$tmp/once' '$tmp/ro/lib' && mount -o remount,ro '$tmp/ro' &&
    '$eye' --library '$tmp/ro/lib' index '$tmp/top'; echo code \$?" 2>&1)
like "$said" 'Read-only file system|reading only' "index says that it can't write there"
like "$said" 'code 3' "and fails"

e2e_done
