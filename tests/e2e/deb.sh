#!/bin/sh
# The Debian package: built, unpacked and configured by dpkg into a root of its own, at work there, removed and purged without a rest; and the unit that it
# brings, whose system call rules the program lives under.
set -u
. tests/e2e/lib.sh

command -v dpkg-shlibdeps >/dev/null 2>&1 || {
    pass "skipped: dpkg-dev is not here"
    e2e_done
}
version=$("$eye" --version | sed 's/^eyeshine //')
root=$tmp/root
chmod 755 "$tmp"
code 0 "the package is built" deploy/debian/build "$tmp" "$version"
deb=$out
is "$(dpkg-deb -f "$deb" Package Version)" "Package: eyeshine
Version: $version" "it says what it is"

# ---- what it depends on: the packages that own the libraries it loads, no more and no fewer ----
dpkg-deb -f "$deb" Depends | tr ',' '\n' | sed 's/^ *//; s/ (.*//' | sort -u >"$tmp/depends"
objdump -p "$eye" | awk '$1 == "NEEDED" {print $2}' | while read -r lib; do
    path=$(readlink -f "$(ldd "$eye" | awk -v l="$lib" '$1 == l {print $3}')")
    dpkg-query -S "$path" "${path#/usr}" 2>/dev/null | sed 's/:.*//'
done | sort -u >"$tmp/owners"
is "$(cat "$tmp/depends")" "$(cat "$tmp/owners")" "its dependencies are the owners of its libraries"

# ---- installed below a root of its own; scripts run with DPKG_ROOT ----
mkdir -p "$root/var/lib/dpkg/updates" "$root/var/lib/dpkg/info" "$root/etc"
: >"$root/var/lib/dpkg/status"
as_root=
[ "$(id -u)" = 0 ] || as_root=fakeroot
if [ -n "$as_root" ] && ! command -v fakeroot >/dev/null 2>&1; then
    pass "skipped: dpkg installs as root, or with fakeroot, only"
    e2e_done
fi
dpkg_there() {
    $as_root env PATH="$PATH:/usr/sbin:/sbin" dpkg --root="$root" --force-not-root --force-script-chrootless --force-depends --force-bad-path "$@" >"$tmp/dpkg.log" 2>&1
}
dpkg_there -i "$deb" && pass "dpkg installs it" || fail "dpkg installs it" "$(tail -n 5 "$tmp/dpkg.log")"
like "$(dpkg-query --admindir="$root/var/lib/dpkg" -W -f '${Status}' eyeshine)" 'install ok installed' "and has configured it"
if command -v systemd-sysusers >/dev/null 2>&1; then
    like "$(cat "$root/etc/passwd")" '^eyeshine:' "the user is made"
fi
chmod -R a+rX "$root"
unset EYESHINE_SHARE
installed=$root/usr/bin/eyeshine
is "$("$installed" --version)" "eyeshine $version" "the program runs"
code 0 "indexes its samples" "$installed" --library "$tmp/lib" index -q "$root/usr/share/eyeshine/samples"
like "$("$installed" --library "$tmp/lib" search --json -n 1 pink clutch | json path)" 'pink-clutch' "and finds in them"
like "$("$installed" --library "$tmp/lib" model info starter)" "$root/usr/share/eyeshine/models/starter" "with the installed model"
for f in usr/share/man/man1/eyeshine.1.gz usr/share/bash-completion/completions/eyeshine usr/share/zsh/vendor-completions/_eyeshine \
    usr/share/doc/eyeshine/copyright usr/share/doc/eyeshine/changelog.gz usr/lib/sysusers.d/eyeshine.conf; do
    [ -s "$root/$f" ] && pass "$f" || fail "$f"
done
is "$(cd "$root" && md5sum --quiet -c var/lib/dpkg/info/eyeshine.md5sums 2>&1)" "" "each file is what the package says"

# ---- the unit ----
unit=$root/lib/systemd/system/eyeshine.service
like "$(cat "$unit")" '^ExecStart=/usr/bin/eyeshine serve$' "the unit starts the installed program"
if command -v systemd-analyze >/dev/null 2>&1; then
    sed "s|^ExecStart=/usr|ExecStart=$root/usr|; s|^Documentation=.*||" "$unit" >"$tmp/eyeshine.service"
    is "$(systemd-analyze verify "$tmp/eyeshine.service" 2>&1 | grep eyeshine)" "" "systemd reads it without a complaint"
    score=$(systemd-analyze security --offline=true "$tmp/eyeshine.service" 2>/dev/null | sed -n 's/.*exposure level[^:]*: \([0-9.]*\).*/\1/p')
    if awk -v s="${score:-10}" 'BEGIN {exit !(s <= 1.5)}'; then pass "its exposure is $score (0 is least)"; else fail "its exposure is ${score:-unknown}, 1.5 is the limit"; fi
    under() { # COMMAND... : of the program, by the unit's rules, in a library of whoever it then is
        python3 tests/deploy/unit.py "$unit" "$installed" --library "$tmp/unit/lib" "$@"
    }
    mkdir -m 777 "$tmp/unit"
    like "$(under doctor 2>&1)" 'works, in its sandbox' "the decoders' sandbox works under its system call filter"
    code 0 "so does indexing" under index -q "$root/usr/share/eyeshine/samples"
    python3 tests/deploy/unit.py "$unit" "$installed" --library "$tmp/unit/lib" serve --port 0 >"$tmp/serve.out" 2>&1 & # no function: its pid is wanted
    pid=$!
    n=0
    until grep -q ' at http' "$tmp/serve.out" || [ $n -ge 200 ]; do
        sleep 0.1
        n=$((n + 1))
    done
    url=$(sed -n 's|.* at \([^ ]*[^/ ]\)/* (Ctrl-C stops)$|\1|p' "$tmp/serve.out")
    code 0 "and serving" "$eye" health --server "${url:-none}"
    like "$("$eye" search --server "${url:-none}" --json -n 1 pink clutch | json path)" 'pink-clutch' "and searching"
    kill "$pid" 2>/dev/null
    wait "$pid"
    is "$?" 0 "which ends well"
else
    pass "skipped: systemd-analyze is not here, the unit is not looked at"
fi

# ---- gone again ----
mkdir -p "$root/var/lib/eyeshine/uploads" && : >"$root/var/lib/eyeshine/library.db"
dpkg_there -r eyeshine && pass "dpkg removes it" || fail "dpkg removes it" "$(tail -n 5 "$tmp/dpkg.log")"
[ -e "$root/etc/default/eyeshine" ] && [ -e "$root/var/lib/eyeshine/library.db" ] && pass "settings and library stay" || fail "settings and library stay"
echo picture >"$root/var/lib/eyeshine/uploads/a.jpg"
dpkg_there -P eyeshine && pass "dpkg purges it" || fail "dpkg purges it" "$(tail -n 5 "$tmp/dpkg.log")"
is "$(find "$root" -path "$root/var/lib/dpkg" -prune -o -name '*eyeshine*' -print)" "$root/var/lib/eyeshine" "nothing of it is left but what people uploaded"
is "$(cd "$root/var/lib/eyeshine" && find . -type f)" "./uploads/a.jpg" "and that is all there"

e2e_done
