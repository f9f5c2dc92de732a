"""The same vocabulary gives the same bytes, whatever order a hash map takes."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from runtime.bundle import read_vocabulary
from tests.support.processes import LIMIT_S

WRITE = """
import sys
import numpy as np
from runtime.bundle import Vocabulary, write_vocabulary
vocabulary = Vocabulary(
    names=("car", "Straße"),
    embeddings=np.eye(2, dtype=np.float32),
    text_center=np.zeros(2, dtype=np.float32),
    templates_sha256="a" * 64,
    text_encoder_sha256="b" * 64,
)
write_vocabulary(sys.argv[1], vocabulary)
"""


def test_bytes_are_the_same_in_every_process(tmp_path):
    written = []
    for index in range(4):  # four processes: four seeds of the hash map
        path = tmp_path / f"{index}.safetensors"
        subprocess.run([sys.executable, "-c", WRITE, str(path)], check=True, timeout=LIMIT_S)
        written.append(path.read_bytes())
    assert len(set(written)) == 1
    vocabulary = read_vocabulary(tmp_path / "0.safetensors")
    assert vocabulary.names == ("car", "Straße")
    assert np.array_equal(vocabulary.embeddings, np.eye(2))
