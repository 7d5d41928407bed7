#!/bin/sh
# Models: import any open_clip folder, index and search with it, switch there and back, refuse what is broken.
set -u
. tests/e2e/lib.sh

export XDG_DATA_HOME="$tmp/data"
lib=$tmp/lib
mkdir "$tmp/pics"
for f in cat coffee rocket zebra guitar rose; do cp "samples/$f.jpg" "$tmp/pics"; done

# A small ViT model in open_clip's layout, as anyone may have it: configuration and weights alone.
python3 tests/e2e/tiny_model.py "$tmp/tiny"
code 0 "index with the starter" "$eye" --library "$lib" index -q "$tmp/pics"
starter_top=$("$eye" --library "$lib" search --json -n 1 a cat | json path)
like "$starter_top" 'cat.jpg' "the starter finds the cat"

code 0 "import" "$eye" model import "$tmp/tiny"
like "$("$eye" --library "$lib" model list)" '^\+ tiny ' "model list shows it installed"
like "$("$eye" --library "$lib" model list)" '^\* starter ' "and the starter in use"
like "$("$eye" --library "$lib" model list)" 'hf download laion/' "and how to get others"
code 3 "a second import of the same name" "$eye" model import "$tmp/tiny"
code 0 "import under another name" "$eye" model import --name other "$tmp/tiny"
code 0 "model verify" "$eye" model verify tiny
code 0 "model info" "$eye" --library "$lib" model info tiny
like "$out" 'ViT' "says what it is"

code 0 "model use" "$eye" --library "$lib" model use tiny
is "$("$eye" --library "$lib" status --json | json model)" tiny "is in use"
is "$("$eye" --library "$lib" status --json | json embedded)" 6 "every picture is embedded"
code 0 "search with it" "$eye" --library "$lib" search --json -n 6 a cat
is "$(printf '%s\n' "$out" | wc -l)" 6 "answers"
code 0 "a picture finds itself" "$eye" --library "$lib" search --json -n 1 --image "$tmp/pics/rocket.jpg"
is "$(printf '%s' "$out" | json path)" "$tmp/pics/rocket.jpg" "with the new model too"
cp samples/fox.jpg "$tmp/pics"
code 0 "index with it" "$eye" --library "$lib" index -q
is "$("$eye" --library "$lib" status --json | json embedded)" 7 "embeds the new file"
code 0 "model use starter" "$eye" --library "$lib" model use starter
is "$("$eye" --library "$lib" search --json -n 1 a cat | json path)" "$starter_top" "goes back"
is "$("$eye" --library "$lib" status --json | json embedded)" 7 "and embeds what it had not seen"
is "$("$eye" --library "$lib" --model "$tmp/tiny" status --json | json dim)" 64 "--model takes a folder for one run"

printf 'x' >>"$tmp/data/eyeshine/models/tiny/open_clip_model.safetensors"
code 3 "model verify of a changed file" "$eye" model verify tiny
code 3 "an unknown model" "$eye" --library "$lib" model use nonsense
like "$errout" nonsense "is named"
mkdir "$tmp/pickle"
cp "$tmp/tiny/open_clip_config.json" "$tmp/pickle"
printf 'x' >"$tmp/pickle/open_clip_pytorch_model.bin"
code 3 "a pickle checkpoint" "$eye" model import "$tmp/pickle"
like "$errout" 'safetensors' "is refused with what to do"
cp -r "$tmp/tiny" "$tmp/cut"
head -c 20000 "$tmp/tiny/open_clip_model.safetensors" >"$tmp/cut/open_clip_model.safetensors"
code 3 "a truncated model" "$eye" model import "$tmp/cut"
[ -e "$tmp/data/eyeshine/models/cut" ] && fail "nothing is left of it" || pass "nothing is left of it"

e2e_done
