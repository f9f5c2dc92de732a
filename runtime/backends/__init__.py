"""What runs a bundle's graphs, behind one protocol (:class:`.protocol.Backend`).

``open`` loads a backend by name, ``choice`` finds the fastest that agrees with ONNX Runtime on the
CPU (``parity``), ``contract`` holds a graph against its manifest. Each of them is a module or a
package of its own: ``onnxruntime``, ``openvino``, ``tensorrt`` (with ``cuda``).
"""

from __future__ import annotations

from runtime.backends.open import BACKEND_NAMES, open_backend
from runtime.backends.protocol import Backend, TensorSpec

__all__ = ["BACKEND_NAMES", "Backend", "TensorSpec", "open_backend"]
