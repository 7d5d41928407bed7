#!/bin/sh
# `make install` into an empty prefix: the program runs from there, and a stranger's program builds against the library.
set -u
. tests/e2e/lib.sh

prefix=$tmp/prefix
make -s install PREFIX="$prefix" >"$tmp/log" 2>&1 && pass "make install" || fail "make install" "$(tail -n 5 "$tmp/log")"
mkdir "$tmp/pics"
cp samples/cat.jpg samples/rocket.jpg "$tmp/pics"
cd "$tmp" || exit 1
unset EYESHINE_SHARE
code 0 "the installed program indexes" "$prefix/bin/eyeshine" --library "$tmp/lib" index -q pics
like "$("$prefix/bin/eyeshine" --library "$tmp/lib" search -n 1 a cat)" 'cat.jpg' "and finds"
like "$("$prefix/bin/eyeshine" --library "$tmp/lib" model info starter)" "$prefix/share/eyeshine/models/starter" "with the installed model"
for f in share/man/man1/eyeshine.1 share/bash-completion/completions/eyeshine share/zsh/site-functions/_eyeshine; do
    [ -s "$prefix/$f" ] && pass "$f" || fail "$f"
done

export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
# shellcheck disable=SC2046 # flags are words
for kind in shared static; do
    flag=
    [ $kind = static ] && flag=--static
    cflags=$(pkg-config --cflags eyeshine)
    libs=$(pkg-config --libs $flag eyeshine)
    [ $kind = static ] && libs=$(printf '%s' "$libs" | sed "s|-leyeshine|$prefix/lib/libeyeshine.a|")
    if gcc -std=c11 -Wall -Wextra -Wpedantic -Werror $cflags -o "$tmp/embed-$kind" "$OLDPWD/tests/e2e/embed.c" $libs 2>"$tmp/log"; then
        pass "a program builds ($kind)"
    else
        fail "a program builds ($kind)" "$(head -n 5 "$tmp/log")"
    fi
    out=$(LD_LIBRARY_PATH="$prefix/lib" EYESHINE_SHARE="$prefix/share/eyeshine" "$tmp/embed-$kind" "$tmp/lib-$kind" "$tmp/pics" "a rocket" 2>&1)
    is "$out" "$tmp/pics/rocket.jpg" "and finds a picture ($kind)"
done

make -s -C "$OLDPWD" uninstall PREFIX="$prefix" >"$tmp/log" 2>&1 && pass "make uninstall" || fail "make uninstall" "$(tail -n 5 "$tmp/log")"
is "$(find "$prefix" -type f -o -type l -o -name 'eyeshine*')" "" "leaves nothing of it behind"

e2e_done
