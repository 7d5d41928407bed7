#!/bin/sh
# The command line itself: usage errors, help, settings and where they come from, completions, the man page.
set -u
. tests/e2e/lib.sh

code 2 "no command is a usage error" "$eye"
like "$errout" 'eyeshine index ~/Pictures' "and shows how to start"
code 2 "an unknown command" "$eye" frobnicate
like "$errout" "no command 'frobnicate'" "is named"
code 2 "an unknown option" "$eye" search --colour x
like "$errout" 'unknown option --colour' "is named"
code 2 "an unknown letter" "$eye" search -Z x
like "$errout" 'unknown option -Z' "is named too"
code 2 "a missing value" "$eye" search -n
like "$errout" '-n needs a value' "is said"
code 2 "a bad number" "$eye" search -n many x
like "$errout" "'many' is not a number from 1 to 100000" "is explained with its range"
code 2 "zero results make no sense" "$eye" search -n 0 x
code 2 "words and --image together" "$eye" search --image a.jpg dogs
code 2 "nothing to search" "$eye" search
code 2 "a bad --part" "$eye" index --part 3/2 .
code 0 "--version" "$eye" --version
like "$out" '^eyeshine [0-9]+\.[0-9]+\.[0-9]+$' "prints the version"
code 0 "--help" "$eye" --help
for c in index search serve status failures remove verify model key config doctor completion; do
    like "$out" "^  $c " "help lists $c"
    "$eye" $c --help | grep -q "^eyeshine $c" && pass "$c --help" || fail "$c --help"
done

code 3 "a search without a library fails" "$eye" --library "$tmp/none" search dogs
like "$errout" "$tmp/none" "and names the folder"
[ -e "$tmp/none" ] && fail "and makes nothing" || pass "and makes nothing"

is "$("$eye" config --json | grep '"library"' | json from)" default "library: default"
printf '# mine\nlibrary = %s/from-file\nthreads = 1\n' "$tmp" >"$tmp/config"
export EYESHINE_CONFIG="$tmp/config"
is "$("$eye" config --json | grep '"library"' | json value)" "$tmp/from-file" "library: from the file"
is "$(EYESHINE_LIBRARY=$tmp/from-env "$eye" config --json | grep '"library"' | json value)" "$tmp/from-env" "environment overrules the file"
is "$(EYESHINE_LIBRARY=$tmp/from-env "$eye" --library "$tmp/from-flag" config --json | grep '"library"' | json from)" flag "a flag overrules both"
is "$("$eye" config --json | grep '"threads"' | json from)" file "the others stay"
printf 'libary = x\n' >"$tmp/config"
code 2 "a typo in the file" "$eye" config
like "$errout" "config:1: unknown setting 'libary'" "is shown with its line"
printf 'threads = many\n' >"$tmp/config"
code 2 "a bad number in the file" "$eye" status
like "$errout" "threads \(from file\): 'many'" "is shown with its origin"
unset EYESHINE_CONFIG

mkdir "$tmp/none-in-it"
code 0 "the sandbox can be switched off" env EYESHINE_SANDBOX=off "$eye" --library "$tmp/lib" index "$tmp/none-in-it"
like "$errout" 'warning: EYESHINE_SANDBOX=off' "but not without a word"

"$eye" completion bash >"$tmp/c.bash"
bash -n "$tmp/c.bash" && pass "bash completion parses" || fail "bash completion parses"
completed=$(bash -c ". '$tmp/c.bash'; COMP_WORDS=(eyeshine sea); COMP_CWORD=1; _eyeshine; echo \${COMPREPLY[*]}")
is "$completed" search "bash completes a command"
completed=$(bash -c ". '$tmp/c.bash'; COMP_WORDS=(eyeshine search --min-s); COMP_CWORD=2; _eyeshine; echo \${COMPREPLY[*]}")
is "$completed" --min-score "bash completes an option"
"$eye" completion zsh >"$tmp/_eyeshine"
like "$(head -n 1 "$tmp/_eyeshine")" '^#compdef eyeshine' "zsh completion"
if command -v zsh >/dev/null; then
    zsh -n "$tmp/_eyeshine" && pass "zsh completion parses" || fail "zsh completion parses"
fi
"$eye" completion man >"$tmp/eyeshine.1"
like "$(cat "$tmp/eyeshine.1")" '^\.SS search ' "the man page has each command"
if command -v mandoc >/dev/null; then
    is "$(mandoc -T lint -W error "$tmp/eyeshine.1")" "" "the man page is sound"
fi
code 3 "a full disk on stdout is noticed" sh -c "'$eye' --help >/dev/full"

e2e_done
