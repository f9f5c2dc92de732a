"""Every TensorRT and CUDA name that the code uses is one that the real bindings have.

Two ways, since each sees what the other cannot: the source is read (lines that no test runs, too),
and whatever runs in the other tests runs against fakes that refuse the rest. The surfaces were read
from the bindings of 10.3 and 11.4 themselves; surface/extract.py says how.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from api_surface import CUDA, FULL, LEAN, ApiSurface, NotInApiError, read_surface

REPOSITORY = Path(__file__).resolve().parents[2]
BACKENDS = REPOSITORY / "runtime" / "backends"

# What a variable of that name holds, in the files below.
VARIABLES = {
    "builder": "Builder",
    "config": "IBuilderConfig",
    "network": "INetworkDefinition",
    "parser": "OnnxParser",
    "error": "ParserError",
    "profile": "IOptimizationProfile",
    "runtime": "Runtime",
    "engine": "ICudaEngine",
    "context": "IExecutionContext",
    "inspector": "EngineInspector",
    "timings": "ITimingCache",
    "others": "ITimingCache",
    "layer": "ILayer",
    "tensor": "ITensor",
}
# The full library only: the lean one builds nothing.
BUILD_FILES = {
    "tensorrt_builder.py": {"builder", "config", "network", "parser", "error", "profile", "tensor"},
    "tensorrt_precision.py": {"network", "layer", "runtime", "engine", "inspector"},
    "tensorrt_progress.py": set(),
    "tensorrt_timing.py": {"config", "timings", "others"},
}
RUN_FILES = {
    "tensorrt.py": {"runtime", "engine", "context"},
    "tensorrt_library.py": set(),
}
OTHER_FILES = {
    "tensorrt_arena.py",
    "tensorrt_engine.py",
    "tensorrt_rebuild.py",
    "tensorrt_settings.py",
    "onnxruntime_tensorrt.py",
}
# Behind a check of the version: what 11 lacks or has no use for.
BELOW_11 = {("NetworkDefinitionCreationFlag", "STRONGLY_TYPED")}
WEAK = {"FP16", "BF16", "INT8", "FP8", "INT4", "OBEY_PRECISION_CONSTRAINTS"}
NEVER = {f"BuilderFlag.{name}" for name in WEAK | {"PREFER_PRECISION_CONSTRAINTS"}} | {
    "EXPLICIT_BATCH",
    "int8_calibrator",
    "platform_has_fast_fp16",
    "set_output_type",
    "device_memory_size",
}


Use = tuple[int, str, str, "tuple[int, set[str]] | None"]


def uses_of(source: str, variables: set[str]) -> Iterator[Use]:
    """Line, class, name, and for calls: count of arguments and keywords. ``""``: the module."""
    tree = ast.parse(source)
    calls = {id(node.func): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute):
            continue
        owner = node.value
        call = calls.get(id(node))
        shape = None
        if call is not None:
            shape = (len(call.args), {keyword.arg or "**" for keyword in call.keywords})
        if isinstance(owner, ast.Name) and owner.id == "trt":
            yield node.lineno, "", node.attr, shape
        elif isinstance(owner, ast.Attribute) and _is_trt_class(owner):
            yield node.lineno, owner.attr, node.attr, shape
        elif isinstance(owner, ast.Attribute) and _is_trt_class(owner.value):
            inner = owner.value
            assert isinstance(inner, ast.Attribute)
            yield node.lineno, f"{inner.attr}.{owner.attr}", node.attr, shape
        else:
            name = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
            if name.lstrip("_") in variables:
                yield node.lineno, VARIABLES[name.lstrip("_")], node.attr, shape


def _is_trt_class(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "trt"
    )


def check_use(surface: ApiSurface, use: Use) -> None:
    _, kind, name, call = use
    if kind == "":
        if name == "__version__":
            return
        if name not in surface.classes:
            raise NotInApiError(f"{surface.name} has no {name}")
        if call is not None:
            surface.check_call(name, "__init__", *call)
        return
    if "." in kind:  # ILogger.Severity.ERROR
        outer, inner = kind.split(".")
        _, entry = surface.member(outer, inner)
        if name not in entry["enum"]:
            raise NotInApiError(f"{surface.name}: {kind} has no {name}")
        return
    if call is not None:
        arguments, keywords = call
        # Classes that we derive from are given self by hand.
        surface.check_call(kind, name, arguments - (name == "__init__"), keywords)
        return
    surface.member(kind, name)


def files_of(group: dict[str, set[str]]) -> list[tuple[str, set[str]]]:
    return sorted(group.items())


@pytest.mark.parametrize("name", FULL)
def test_the_full_binding_has_every_name(name: str) -> None:
    surface, checked = read_surface(name), 0
    for file, variables in files_of(BUILD_FILES | RUN_FILES):
        for use in uses_of((BACKENDS / file).read_text(), variables):
            if (use[1], use[2]) in BELOW_11 and "11" in name:
                continue
            check_use(surface, use)
            checked += 1
    assert checked > 80


@pytest.mark.parametrize("name", LEAN)
def test_the_lean_binding_has_what_running_needs(name: str) -> None:
    surface, checked = read_surface(name), 0
    for file, variables in files_of(RUN_FILES):
        for use in uses_of((BACKENDS / file).read_text(), variables):
            check_use(surface, use)
            checked += 1
    assert checked > 20


@pytest.mark.parametrize("name", CUDA)
def test_cuda_bindings_have_every_name(name: str) -> None:
    surface, checked = read_surface(name), 0
    tree = ast.parse((BACKENDS / "cuda.py").read_text())
    calls = {id(node.func): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Attribute) and node.attr.startswith("cuda")):
            continue
        if node.attr in surface.classes or node.attr in ("cuda", "cudart"):
            continue
        if isinstance(node.value, ast.Attribute) and node.value.attr in surface.classes:
            assert node.attr in surface.classes[node.value.attr]["enum"]
        elif id(node) in calls:
            call = calls[id(node)]
            surface.check_call(None, node.attr, len(call.args), set())
        else:
            assert node.attr in surface.functions, node.attr
        checked += 1
    assert checked >= 18
    properties = surface.classes["cudaDeviceProp"]["properties"]
    assert {"name", "major", "minor"} <= set(properties)


def test_every_file_that_names_tensorrt_is_read() -> None:
    known = {*BUILD_FILES, *RUN_FILES, *OTHER_FILES}
    assert {path.name for path in BACKENDS.glob("*tensorrt*.py")} == known
    for path in sorted(REPOSITORY.glob("*/**/*.py")):
        if path.parts[len(REPOSITORY.parts)] not in ("runtime", "export", "benchmarks", "training"):
            continue
        if path.parent == BACKENDS and path.name in {*BUILD_FILES, *RUN_FILES}:
            continue
        names = {node.id for node in ast.walk(ast.parse(path.read_text())) if _is_name(node)}
        assert "trt" not in names, f"{path} uses TensorRT unseen by this test"


def _is_name(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)


def test_weak_typing_is_never_asked_for() -> None:
    for file in {*BUILD_FILES, *RUN_FILES, *OTHER_FILES}:
        tree = ast.parse((BACKENDS / file).read_text())
        chains = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        used = {chain for chain in chains for name in NEVER if chain.endswith(name)}
        assert used == set(), f"{file}: {used}"


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("trt.BuilderFlag.FP16", "has no FP16"),
        ("trt.Builderr(logger)", "has no Builderr"),
        ("config.int8_calibrator = 1", "has no int8_calibrator"),
        ("builder.build_engine(network, config)", "has no build_engine"),
        ("builder.create_network(flag=1)", "takes none of"),
        ("parser.parse_from_file()", "takes none of 0"),
        ("context.execute_async_v3(bindings=1, stream_handle=2)", "takes none of"),
        ("self._engine.device_memory_size", "has no device_memory_size"),
        ("trt.ILogger.Severity.FATAL", "has no FATAL"),
    ],
)
def test_the_reader_sees_what_does_not_exist(source: str, complaint: str) -> None:
    surface = read_surface("tensorrt-11.4")
    with pytest.raises(NotInApiError, match=complaint):
        for use in uses_of(source, set(VARIABLES)):
            check_use(surface, use)


def test_the_surfaces_are_of_the_versions_they_name() -> None:
    for name in (*FULL, *LEAN, *CUDA):
        version = name.rpartition("-")[2]
        assert read_surface(name).version.startswith(f"{version}.")
    # 10.3 has both ways, 11 only the strong one: what makes two surfaces worth having.
    assert "FP16" in read_surface("tensorrt-10.3").classes["BuilderFlag"]["enum"]
    assert "FP16" not in read_surface("tensorrt-11.4").classes["BuilderFlag"]["enum"]
