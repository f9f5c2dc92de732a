#!/usr/bin/env bash
# OpenCV 5.0.0 (opencv-python 5.0.0.93): a float32 TIFF that cv2.imwrite wrote is None for cv2.imread with its
# default flag, IMREAD_COLOR, whose documentation promises a conversion to three 8-bit channels; 16 bits are
# converted. IMREAD_UNCHANGED reads it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'opencv-python-headless==5.0.0.93'
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import cv2
import numpy as np

image = np.random.default_rng(0).random((8, 8, 3), np.float32)
assert cv2.imwrite("float.tiff", image)
assert cv2.imwrite("sixteen.tiff", (image * 65535).astype(np.uint16))
plain = cv2.imread("float.tiff")
whole = cv2.imread("float.tiff", cv2.IMREAD_UNCHANGED)
sixteen = cv2.imread("sixteen.tiff")
print("OpenCV", cv2.__version__, "default:", plain, "unchanged:", whole.dtype, whole.shape)
assert sixteen.dtype == np.uint8 and (whole == image).all()
assert plain is None, "the default flag reads float TIFF now"
PYTHON
