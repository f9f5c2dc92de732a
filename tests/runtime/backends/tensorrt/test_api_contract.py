"""Every TensorRT and CUDA name that the code uses is one that the real bindings have.

Two ways, since each sees what the other cannot: the source is read (lines that no test runs, too),
and whatever runs in the other tests runs against fakes that refuse the rest. The surfaces were read
from the bindings of 10.3 and 11.4 themselves; tests/support/bindings/extract.py says how.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.support.api_surface import CUDA, FULL, LEAN, NotInApiError, read_surface
from tests.support.binding_uses import VARIABLES, HiddenFromReaderError, check_use, uses_of

REPOSITORY = Path(__file__).resolve().parents[4]


BACKENDS = REPOSITORY / "runtime" / "backends"


# The full library only: the lean one builds nothing.
BUILD_FILES = {
    "tensorrt/builder.py": {"builder", "config", "network", "parser", "error", "profile", "tensor"},
    "tensorrt/precision.py": {"network", "layer", "runtime", "engine", "inspector"},
    "tensorrt/progress.py": set(),
    "tensorrt/timing.py": {"config", "timings", "others"},
}


RUN_FILES = {
    "tensorrt/backend.py": {"runtime", "engine", "context"},
    "tensorrt/library.py": set(),
}


OTHER_FILES = {
    "onnxruntime/tensorrt_provider.py",
    "tensorrt/__init__.py",
    "tensorrt/arena.py",
    "tensorrt/cache/__init__.py",
    "tensorrt/cache/entry.py",
    "tensorrt/cache/holdings.py",
    "tensorrt/cache/key.py",
    "tensorrt/cache/locking.py",
    "tensorrt/cache/store.py",
    "tensorrt/engine.py",
    "tensorrt/rebuild.py",
    "tensorrt/settings.py",
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


@pytest.mark.slow
def test_every_file_that_names_tensorrt_is_read() -> None:
    known = {*BUILD_FILES, *RUN_FILES, *OTHER_FILES}
    found = [*BACKENDS.glob("tensorrt/**/*.py"), *BACKENDS.glob("*/*tensorrt*.py")]
    assert {path.relative_to(BACKENDS).as_posix() for path in found} == known
    read = {BACKENDS / file for file in {*BUILD_FILES, *RUN_FILES}}
    for path in sorted(REPOSITORY.glob("*/**/*.py")):
        if path.parts[len(REPOSITORY.parts)] not in ("runtime", "export", "benchmarks", "training"):
            continue
        if path in read:
            continue
        if not any(word in (text := path.read_text()) for word in ("trt", "module")):
            continue  # parsing every file would take seconds
        tree = ast.parse(text)
        names = {node.id for node in ast.walk(tree) if _is_name(node)}
        assert "trt" not in names, f"{path} uses TensorRT unseen by this test"
        chains = {ast.unparse(node) for node in ast.walk(tree) if _is_module(node)}
        assert not {chain for chain in chains if chain.endswith("library.module")}, (
            f"{path} uses TensorRT unseen by this test"
        )


def _is_module(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "module"


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


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("library.module.BogusClass(1)", "write trt = library.module first"),
        ("self._library.module.Builder", "write trt = library.module first"),
        ("tensorrt = library.module\ntensorrt.Bogus()", "write trt = library.module first"),
        ("make(library.module)", "write trt = library.module first"),
        ("cfg = config; cfg.bogus_call()", "config becomes cfg"),
        ("self._setup = config", "config becomes setup"),
        ("t = trt", "trt becomes t"),
        ("a, cfg = 1, self._config", "self._config becomes cfg"),
        ("cfg = config if ready else None", "config becomes cfg"),
        ("(cfg := config).bogus_call()", "config becomes cfg"),
        ("cfg: Any = config", "config becomes cfg"),
        ("for one in (network, config): one.bogus_call()", "network becomes one"),
        ("things = [config]", "config becomes nameless"),
        ("things['a'] = config", "config becomes nameless"),
        ("getattr(config, 'bogus')", "config becomes nameless"),
        ("def f(cfg): cfg.bogus_call()\nf(config)", "config becomes cfg"),
        ("def f(cfg): cfg.bogus_call()\nf(cfg=config)", "config becomes cfg"),
    ],
)
def test_the_reader_refuses_what_it_could_not_see(source: str, complaint: str) -> None:
    with pytest.raises(HiddenFromReaderError, match=complaint):
        list(uses_of(source, set(VARIABLES)))


def test_the_reader_takes_the_ways_it_can_follow() -> None:
    source = (
        "trt = library.module\n"
        "def fill(config, more): config.progress_monitor = more\n"
        "self._config = config\n"
        "config = self._config\n"
        "fill(config, 1)\n"
        "config, other = builder.create_builder_config(), 2\n"
    )
    assert {use[1:3] for use in uses_of(source, set(VARIABLES))} == {
        ("Builder", "create_builder_config"),
        ("IBuilderConfig", "progress_monitor"),
    }


def test_the_surfaces_are_of_the_versions_they_name() -> None:
    for name in (*FULL, *LEAN, *CUDA):
        version = name.rpartition("-")[2]
        assert read_surface(name).version.startswith(f"{version}.")
    # 10.3 has both ways, 11 only the strong one: what makes two surfaces worth having.
    assert "FP16" in read_surface("tensorrt-10.3").classes["BuilderFlag"]["enum"]
    assert "FP16" not in read_surface("tensorrt-11.4").classes["BuilderFlag"]["enum"]
