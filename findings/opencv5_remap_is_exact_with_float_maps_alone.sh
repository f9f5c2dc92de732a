#!/usr/bin/env bash
# OpenCV 5.0.0 (opencv-python 5.0.0.93): remap with two float32 maps interpolates float32 planes exactly, while the
# fixed-point maps of convertMaps, which its documentation recommends for speed, round places to 1/32 of a pixel and are
# slower. In 4.14.0 both round alike and take the same time, so code that converts its maps loses on both counts with 5.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/run.py" <<'PYTHON'
import sys
import time

import cv2
import numpy as np

height, width = 108, 144
random = np.random.default_rng(0)
plane = random.normal(0, 1, (height, width)).astype(np.float32)
columns = (np.arange(width) + random.normal(0, 1, (height, width))).astype(np.float32)
lines = (np.arange(height)[:, None] + random.normal(0, 1, (height, width))).astype(np.float32)
fixed = cv2.convertMaps(columns, lines, cv2.CV_16SC2)


def at(line, column):
    return plane[line.clip(0, height - 1), column.clip(0, width - 1)].astype(np.float64)


left, top = np.floor(columns).astype(int), np.floor(lines).astype(int)
across, down = columns.astype(np.float64) - left, lines.astype(np.float64) - top
exact = (1 - down) * ((1 - across) * at(top, left) + across * at(top, left + 1)) + down * (
    (1 - across) * at(top + 1, left) + across * at(top + 1, left + 1)
)
errors, times_us = {}, {}
for name, maps in (("float maps", (columns, lines)), ("fixed-point maps", fixed)):
    taken = []
    for _ in range(200):
        began = time.perf_counter()
        found = cv2.remap(plane, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        taken.append(time.perf_counter() - began)
    errors[name] = float(np.abs(found - exact).max())
    times_us[name] = 1e6 * float(np.median(taken))
    print(f"OpenCV {cv2.__version__}, {name}: largest error {errors[name]:.1e}, median {times_us[name]:.0f} us")
assert errors["fixed-point maps"] > 1e-2, "fixed-point maps do not round to 1/32 any more"
assert (errors["float maps"] < 1e-5) == (sys.argv[1] == "exact"), "float maps behave otherwise now"
PYTHON
for version in 5.0.0.93 4.14.0.94; do
  python3 -m venv "$folder/$version"
  "$folder/$version/bin/pip" install --quiet --disable-pip-version-check "opencv-python-headless==$version"
done
"$folder/5.0.0.93/bin/python" "$folder/run.py" exact
"$folder/4.14.0.94/bin/python" "$folder/run.py" rounded
