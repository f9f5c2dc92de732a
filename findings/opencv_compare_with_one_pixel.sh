#!/usr/bin/env bash
# OpenCV 5.0.0 (opencv-python 5.0.0.93): cv2.compare of an image with a number works for every size but
# 1 x 1, where the image is taken for a number as well and an error about sizes is raised.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'opencv-python-headless==5.0.0.93'
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import cv2
import numpy as np

raised = []
for height, width in [(1, 1), (1, 2), (4, 1), (1, 4), (4, 4)]:
    try:
        cv2.compare(np.zeros((height, width), np.uint8), 0, cv2.CMP_EQ)
    except cv2.error as error:
        raised.append((height, width))
        print(height, "x", width, str(error).strip().splitlines()[0])
print("OpenCV", cv2.__version__, "raises for", raised)
assert raised == [(1, 1)], "this has changed"
PYTHON
