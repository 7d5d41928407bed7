#!/bin/sh
# Every sample picture has its line in LICENSES.tsv and can be read; the sample queries bring what the model can know.
set -u
. tests/e2e/lib.sh

find samples -type f ! -name '*.md' ! -name '*.tsv' -printf '%f\n' | LC_ALL=C sort >"$tmp/files"
tail -n +2 samples/LICENSES.tsv | cut -f 1 | LC_ALL=C sort >"$tmp/listed"
is "$(comm -3 "$tmp/files" "$tmp/listed")" "" "LICENSES.tsv lists exactly the files there are"
is "$(awk -F '\t' 'NF != 4 || $3 == "" || $4 == ""' samples/LICENSES.tsv)" "" "each line has source, licence and author"
n=$(wc -l <"$tmp/files")
if [ "$n" -ge 40 ] && [ "$n" -le 60 ]; then pass "$n pictures"; else fail "$n pictures"; fi

lib=$tmp/lib
code 0 "index" "$eye" --library "$lib" index -q samples
is "$("$eye" --library "$lib" status --json | json pictures)" "$n" "all of them can be read"
for pair in "pink clutch=pink-clutch" "dark stairwell=dark-stairwell" "brown purse=brown-purse" "a wrist watch=watch" \
    "a cat=cat" "drums=drum-kit" "motorcycle=motorcycle" "elephant=elephant" "mountains=mountains"; do
    first=$("$eye" --library "$lib" search --json -n 1 "${pair%=*}" | json path)
    like "$first" "/${pair#*=}" "${pair%=*}"
done
is "$("$eye" --library "$lib" search --json -n 1 --image samples/mountains.jpg | json width)" 560 "the picture on its side counts as upright"
is "$("$eye" --library "$lib" search --json -n 1 --image samples/nuthatch.jpg | json taken_at)" "2021-03-14T10:20:30Z" "its date is read"

e2e_done
