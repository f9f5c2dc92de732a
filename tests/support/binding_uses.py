"""Reads off source code what it uses of TensorRT, and refuses code in which a use could hide."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.support.api_surface import ApiSurface, NotInApiError

# What a variable of that name holds, in the files that the contract test lists.
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
