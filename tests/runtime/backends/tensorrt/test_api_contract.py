"""Every TensorRT and CUDA name that the code uses is one that the real bindings have.

Two ways, since each sees what the other cannot: the source is read (lines that no test runs, too),
and whatever runs in the other tests runs against fakes that refuse the rest. The surfaces were read
from the bindings of 10.3 and 11.4 themselves; tests/support/bindings/extract.py says how.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.api_surface import CUDA, FULL, LEAN, ApiSurface, NotInApiError, read_surface

REPOSITORY = Path(__file__).resolve().parents[4]
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


Use = tuple[int, str, str, "tuple[int, set[str]] | None"]


class HiddenFromReaderError(AssertionError):
    """Something of TensorRT goes by a name that the reader does not follow."""


def uses_of(source: str, variables: set[str]) -> Iterator[Use]:
    """Line, class, name, and for calls: count of arguments and keywords. ``""``: the module."""
    tree = ast.parse(source)
    refuse_hidden(tree, variables)
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


def refuse_hidden(tree: ast.Module, variables: set[str]) -> None:
    """Raise :class:`HiddenFromReaderError` where a use could go unseen.

    The module is reached as ``trt = library.module`` and in no other way; what a followed variable
    holds never gets another name, be it by an assignment, in a container, as the argument of a
    function of the file, or through ``getattr``.
    """
    followed = {*variables, "trt"}
    parents = {id(child): node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "module":
            parent = parents[id(node)]
            named = isinstance(parent, ast.Assign) and [ast.unparse(t) for t in parent.targets]
            if isinstance(node.ctx, ast.Load) and named != ["trt"]:
                raise HiddenFromReaderError(
                    f"line {node.lineno}: {ast.unparse(parent)}: write trt = library.module first"
                )
    for line, name, value in _bindings(tree):
        for held in _may_be(value):
            if _followed_name(held) in followed and name != _followed_name(held):
                raise HiddenFromReaderError(
                    f"line {line}: {ast.unparse(held)} becomes {name or 'nameless'}: "
                    f"keep to the name {_followed_name(held)}"
                )


def _bindings(tree: ast.Module) -> Iterator[tuple[int, str, ast.expr]]:
    """Line, name (without leading underscores; "" for none) and value of whatever is given one."""
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                yield from _pairs(target, node.value)
        elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
            yield from _pairs(node.target, node.value)
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            yield from _pairs(node.optional_vars, node.context_expr)
        elif isinstance(node, (ast.For, ast.comprehension)):
            values = node.iter.elts if isinstance(node.iter, (ast.Tuple, ast.List)) else []
            for value in values:
                yield from _pairs(node.target, value)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in ("getattr", "setattr"):
                yield node.lineno, "", node.args[0]
            elif node.func.id in functions:
                signature = functions[node.func.id].args
                names = [argument.arg for argument in (*signature.posonlyargs, *signature.args)]
                for place, value in enumerate(node.args):
                    yield node.lineno, names[place] if place < len(names) else "", value
                for keyword in node.keywords:
                    yield node.lineno, keyword.arg or "", keyword.value


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[int, str, ast.expr]]:
    listed = (ast.Tuple, ast.List)
    if isinstance(target, listed) and isinstance(value, listed):
        for one, other in zip(target.elts, value.elts, strict=False):
            yield from _pairs(one, other)
    elif isinstance(value, (*listed, ast.Set, ast.Dict)):
        held = value.values if isinstance(value, ast.Dict) else value.elts
        for item in held:
            yield value.lineno, "", item
    else:
        yield value.lineno, _followed_name(target), value


def _may_be(value: ast.expr) -> Iterator[ast.expr]:
    """What an expression's value may be, as far as names tell."""
    if isinstance(value, ast.IfExp):
        yield from (*_may_be(value.body), *_may_be(value.orelse))
    elif isinstance(value, ast.BoolOp):
        for one in value.values:
            yield from _may_be(one)
    elif isinstance(value, ast.NamedExpr):
        yield from _may_be(value.value)
    else:
        yield value


def _followed_name(node: ast.expr) -> str:
    """Name of a variable or attribute as the reader knows it; "" for any other expression."""
    name = node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")
    return name.lstrip("_")


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
    found = [*BACKENDS.glob("tensorrt/**/*.py"), *BACKENDS.glob("*/*tensorrt*.py")]
    assert {path.relative_to(BACKENDS).as_posix() for path in found} == known
    read = {BACKENDS / file for file in {*BUILD_FILES, *RUN_FILES}}
    for path in sorted(REPOSITORY.glob("*/**/*.py")):
        if path.parts[len(REPOSITORY.parts)] not in ("runtime", "export", "benchmarks", "training"):
            continue
        if path in read:
            continue
        tree = ast.parse(path.read_text())
        names = {node.id for node in ast.walk(tree) if _is_name(node)}
        assert "trt" not in names, f"{path} uses TensorRT unseen by this test"
        chains = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert not {chain for chain in chains if chain.endswith("library.module")}, (
            f"{path} uses TensorRT unseen by this test"
        )


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
