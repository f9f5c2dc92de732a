#!/usr/bin/env bash
# img2dataset 1.47.0 reads --input_format tsv as a CSV whose delimiter is a tab: a caption that begins with a quote
# takes every row up to the next quote into itself. Nothing is said; the counts in _stats.json are of what was left.
# In a list such as CC3M's, which is no CSV, quotes are characters. A Parquet file made with quote_char=False keeps all rows.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'img2dataset==1.47.0'
export NO_ALBUMENTATIONS_UPDATE=1
cd "$folder"
# Nothing listens at this port: what counts is how many addresses are asked.
printf 'caption\turl\n' > list.tsv
for caption in 'a dog' '" a cat' 'a bus' 'a car "' 'a tree'; do
    printf '%s\thttp://127.0.0.1:9/x.jpg\n' "$caption" >> list.tsv
done
venv/bin/python - <<'PYTHON'
from pyarrow import csv, parquet

as_it_is = csv.ParseOptions(delimiter="\t", quote_char=False)
parquet.write_table(csv.read_csv("list.tsv", parse_options=as_it_is), "list.parquet")
PYTHON
for format in tsv parquet; do
    venv/bin/img2dataset --url_list list.$format --input_format $format --url_col url --caption_col caption \
        --output_format webdataset --output_folder "as_$format" --processes_count 1 --thread_count 1 > /dev/null 2>&1
done
venv/bin/python - <<'PYTHON'
import json

counts = {name: json.load(open(f"as_{name}/00000_stats.json"))["count"] for name in ("tsv", "parquet")}
print("of 5 rows img2dataset asked for", counts)
assert counts == {"tsv": 3, "parquet": 5}, "this has changed"
PYTHON
