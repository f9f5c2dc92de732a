#!/usr/bin/env bash
# webdataset 1.0.2: warn_and_continue, the handler that its documentation recommends for broken samples,
# sleeps for half a second each time: one broken image in twenty costs more than reading the other nineteen.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'webdataset==1.0.2' 'numpy<3' pillow
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import io
import tarfile
import time
import warnings

import webdataset
from PIL import Image

buffer = io.BytesIO()
Image.new("RGB", (8, 8)).save(buffer, "JPEG")
with tarfile.open("pairs.tar", "w") as tar:
    for number in range(20):
        picture = b"broken" if number in (3, 11, 17) else buffer.getvalue()
        for ending, content in ((".jpg", picture), (".txt", b"a caption")):
            member = tarfile.TarInfo(f"{number:04d}{ending}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
slept = []
time.sleep, sleep = slept.append, time.sleep
warnings.simplefilter("ignore")
source = webdataset.WebDataset("pairs.tar", shardshuffle=False, handler=webdataset.warn_and_continue)
read = list(source.decode("pil", handler=webdataset.warn_and_continue).to_tuple("jpg", "txt"))
time.sleep = sleep
print("webdataset", webdataset.__version__, "read", len(read), "of 20, slept", slept)
assert len(read) == 17 and slept == [0.5, 0.5, 0.5], "this has changed"
PYTHON
