"""Read Triton's model configuration schema out of its client's wheel.

    pip download --no-deps -d wheels tritonclient==2.73.0
    python tests/export/targets/triton/extract_schema.py wheels/tritonclient-2.73.0-py3-none-any.whl

Writes model_config.binpb beside this file: the serialized descriptor of model_config.proto, which
any protobuf can load (the client itself wants grpc, and a protobuf of one major version).
"""

from __future__ import annotations

import ast
import sys
import zipfile
from pathlib import Path

MEMBER = "tritonclient/grpc/model_config_pb2.py"


def main() -> None:
    source = zipfile.ZipFile(sys.argv[1]).read(MEMBER).decode()
    (schema,) = (
        node.args[0].value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "AddSerializedFile"
        and isinstance(node.args[0], ast.Constant)
    )
    assert isinstance(schema, bytes)
    Path(__file__).with_name("model_config.binpb").write_bytes(schema)


if __name__ == "__main__":
    main()
