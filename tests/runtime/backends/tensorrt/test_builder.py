"""Building: what is asked of TensorRT, what is refused, and what proves the precision."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from export.targets.tensorrt import build_engine, check_compatibility
from runtime.backends.tensorrt.cache import EngineCache
from runtime.backends.tensorrt.precision import count_layer_types
from runtime.backends.tensorrt.progress import make_monitor
from runtime.backends.tensorrt.settings import EngineSettings
from runtime.bundle import Bundle
from runtime.errors import MgcaError, UserError


def half_segmenter(graphs: Any, most: int = 3) -> bytes:
    """The hand-made segmenter with its three matrix products, or some, in half precision."""
    import onnx

    model = onnx.load_from_string(graphs.segmenter())
    nodes, half = [], onnx.TensorProto.FLOAT16
    for node in model.graph.node:
        if node.op_type == "MatMul" and most > 0:
            most -= 1
            for index, name in enumerate(node.input):
                cast = f"{name}_half_{node.output[0]}"
                nodes.append(onnx.helper.make_node("Cast", [name], [cast], to=half))
                node.input[index] = cast
            result = node.output[0]
            node.output[0] = f"{result}_half"
            nodes.append(node)
            back = onnx.helper.make_node(
                "Cast", [f"{result}_half"], [result], to=onnx.TensorProto.FLOAT
            )
            nodes.append(back)
        else:
            nodes.append(node)
    kept = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del model.graph.node[:]
    model.graph.node.extend(kept)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def ranged_segmenter(graphs: Any, served: bool = True) -> bytes:
    """The same with a quantised pair before one product; not ``served``: the pair serves nobody."""
    import onnx

    model = onnx.load_from_string(graphs.segmenter())
    product = next(node for node in model.graph.node if node.op_type == "MatMul")
    name = product.input[0]
    scale = onnx.numpy_helper.from_array(np.float32(0.01), "quantising_scale")
    zero = onnx.numpy_helper.from_array(np.int8(0), "quantising_zero")
    model.graph.initializer.extend([scale, zero])
    pair = [
        onnx.helper.make_node("QuantizeLinear", [name, scale.name, zero.name], ["q"]),
        onnx.helper.make_node("DequantizeLinear", ["q", scale.name, zero.name], ["dq"]),
        # As TensorRT's parser puts one between a weight and the product that takes it.
        onnx.helper.make_node("Transpose", ["dq"], ["turned"], perm=[0, 1]),
    ]
    at = list(model.graph.node).index(product)
    for offset, node in enumerate(pair):
        model.graph.node.insert(at + offset, node)
    if served:
        product.input[0] = "turned"
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


@pytest.fixture
def half_bundle(make_bundle: Callable[..., Bundle], graphs: Any) -> Bundle:
    files = {"segmenter.onnx": half_segmenter(graphs)}
    return make_bundle("half", files=files, precision="fp16")


def head_of(cache: Path) -> dict[str, Any]:
    (plan,) = cache.rglob("*.plan")
    return json.loads(plan.read_bytes().split(b"\n")[1])


def test_what_is_asked_of_the_builder(bundle: Bundle, machine: Any, own_cache: Path) -> None:
    settings = EngineSettings(words=(1, 20, 300), workspace_bytes=64 << 20)
    entry = build_engine(bundle, "fp32", settings)
    head = head_of(own_cache)
    assert head["flags"] == [] and not head["compatible"]  # TF32 is off: fp32 says fp32
    assert head["ranges"] == {"text": [[1, 3], [20, 3], [300, 3]]}
    assert head["limits"] == {"WORKSPACE": 64 << 20}
    assert entry.key["shapes"] == {"text": [[1, 3], [20, 3], [300, 3]]}
    assert entry.built["model"] == "colors" and entry.built["seconds"] >= 0
    evidence = entry.record["evidence"]
    assert evidence["products"] == {"FLOAT": 3} and evidence["inspector"]["types"]["fp32"] > 3
    assert (own_cache / "tensorrt_timing").is_dir()
    machine.cuda._assert_all_freed()


def test_an_fp16_engine_and_its_evidence(half_bundle: Bundle, machine: Any) -> None:
    entry = build_engine(half_bundle, "fp16")
    evidence = entry.record["evidence"]
    assert evidence["products"] == {"HALF": 3}
    assert evidence["inspector"]["types"]["fp16"] >= 3 and not evidence["inspector"]["opaque"]


def test_an_fp32_graph_never_passes_for_fp16(
    make_bundle: Callable[..., Bundle], machine: Any, own_cache: Path
) -> None:
    """Even where the manifest says fp16: the network as parsed is what counts."""
    liar = make_bundle("liar", precision="fp16")
    with pytest.raises(MgcaError, match="not fp16: 0 of its 3 matrix products"):
        build_engine(liar, "fp16")
    assert not list(own_cache.rglob("*.plan"))
    with pytest.raises(MgcaError, match="is fp16; precision is the graph's own"):
        build_engine(liar, "fp32")


def test_a_graph_that_keeps_stages_in_fp32_is_held_to_its_own_count(
    make_bundle: Callable[..., Bundle], machine: Any, graphs: Any
) -> None:
    """One product of three in half is fp16 where the export made one, and no fewer."""
    files = {"segmenter.onnx": half_segmenter(graphs, most=1)}

    def recorded(half: int) -> dict[str, Any]:
        return {"segmenter.onnx": {"half": half, "fp32": 3 - half, "quantised": 0}}

    mixed = make_bundle("mixed", files=files, precision="fp16", products=recorded(1))
    evidence = build_engine(mixed, "fp16").record["evidence"]
    assert evidence["products"] == {"HALF": 1, "FLOAT": 2}
    lost = make_bundle("lost", files=files, precision="fp16", products=recorded(2))
    with pytest.raises(MgcaError, match="not fp16: 1 of its 3 matrix products are, expected 2 by"):
        build_engine(lost, "fp16", rebuild=True)
    none = make_bundle("none", precision="fp16", products=recorded(0))
    with pytest.raises(MgcaError, match="not fp16: 0 of its 3 matrix products are, expected 1"):
        build_engine(none, "fp16")
    older = make_bundle("older", files=files, precision="fp16")
    with pytest.raises(MgcaError, match="not fp16: 1 of its 3 matrix products are; export"):
        build_engine(older, "fp16", rebuild=True)


def test_int8_is_counted_by_products_not_by_pairs(
    make_bundle: Callable[..., Bundle], machine: Any, graphs: Any
) -> None:
    products = {"segmenter.onnx": {"half": 0, "fp32": 2, "quantised": 1}}
    fields: dict[str, Any] = {"precision": "int8-static", "products": products}
    for served in (True, False):
        files = {"segmenter.onnx": ranged_segmenter(graphs, served)}
        bundle = make_bundle(f"served-{served}", files=files, **fields)
        if served:
            evidence = build_engine(bundle, "int8").record["evidence"]
            assert (evidence["quantize"], evidence["quantised_products"]) == (1, 1)
            continue
        with pytest.raises(MgcaError, match="not int8: 0 of its 3 matrix products are, expected 1"):
            build_engine(bundle, "int8")


@pytest.mark.parametrize("version", ["10.3", "11.4"])
@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (
            {"layers": [{"Outputs": [{"Format/Datatype": "Row major linear FP32"}]}] * 9},
            "none of the 9 layers that its inspector lists computes in fp16",
        ),
        ({"padding": 49 << 20}, "too large for fp16: 49 MiB, expected at most 48 MiB"),
    ],
)
def test_an_engine_that_came_out_otherwise_is_not_kept(
    half_bundle: Bundle,
    install: Callable[..., Any],
    own_cache: Path,
    version: str,
    fault: dict[str, Any],
    message: str,
) -> None:
    install(version, **fault)
    with pytest.raises(MgcaError, match=message):
        build_engine(half_bundle, "fp16")
    assert EngineCache().entries() == [] and not list(own_cache.rglob("*.plan"))


def test_fused_layers_say_nothing(half_bundle: Bundle, install: Callable[..., Any]) -> None:
    install("11.4", layers=["{ForeignNode[everything]}"])
    entry = build_engine(half_bundle, "fp16")
    assert entry.record["evidence"]["inspector"]["opaque"] is True


def test_the_inspectors_wordings() -> None:
    def layer(*texts: str) -> dict[str, Any]:
        return {"Inputs": [], "Outputs": [{"Format/Datatype": text} for text in texts]}

    layers = [
        layer("Half"),
        layer("Row major linear FP16 format", "Float"),
        layer("Channel major FP16 format where C % 8 == 0"),
        layer("Int8"),
        layer("Row major Int8 format"),
        layer("FP32"),
        layer("Int32"),
        "only a name",
    ]
    assert count_layer_types(layers) == {"fp16": 3, "fp32": 2, "int8": 2}


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"parser": "no importer"}, r"cannot read segmenter.onnx: NonZero node_7: no importer"),
        ({"build": "out of memory"}, r"could not build segmenter.onnx: out of memory"),
    ],
)
def test_failures_are_one_line_and_leave_nothing(
    bundle: Bundle, install: Callable[..., Any], own_cache: Path, fault: Any, message: str
) -> None:
    machine = install("11.4", **fault)
    before = {path: path.read_bytes() for path in bundle.path.rglob("*") if path.is_file()}
    with pytest.raises(MgcaError, match=message) as caught:
        build_engine(bundle, "fp32")
    assert caught.value.exit_code == 1 and "\n" not in str(caught.value)
    assert not list(own_cache.rglob("*.plan")) and not list(own_cache.rglob("*.part*"))
    assert {path: path.read_bytes() for path in before} == before
    machine.cuda._assert_all_freed()


def test_progress_is_told_and_grows(bundle: Bundle, machine: Any) -> None:
    told: list[tuple[str, float]] = []
    build_engine(bundle, "fp32", progress=lambda phase, share: told.append((phase, share)))
    shares = [share for _, share in told]
    assert shares == sorted(shares) and len(set(shares)) > 10 and shares[-1] == 1.0
    assert {phase for phase, _ in told} == {"Building Engine", "Timing graph nodes"}


def test_a_build_can_be_stopped(bundle: Bundle, machine: Any, own_cache: Path) -> None:
    def stop(phase: str, share: float) -> None:
        if share > 0.4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_engine(bundle, "fp32", progress=stop)
    assert not list(own_cache.rglob("*.plan"))
    machine.cuda._assert_all_freed()


def test_a_monitor_never_throws_into_tensorrt(machine: Any) -> None:
    def fail(phase: str, share: float) -> None:
        raise RuntimeError("the terminal is gone")

    monitor = make_monitor(machine.trt, fail)
    monitor.phase_start("a", None, 0)
    assert monitor.step_complete("a", 0) is False and monitor.step_complete("unknown", 3) is False
    monitor.phase_finish("unknown")
    with pytest.raises(RuntimeError, match="terminal"):
        monitor.finish()


def test_the_second_build_takes_the_cache_and_its_timings(
    bundle: Bundle, machine: Any, own_cache: Path
) -> None:
    first = build_engine(bundle, "fp32")
    assert build_engine(bundle, "fp32").record == first.record
    again = build_engine(bundle, "fp32", EngineSettings(optimization_level=5))
    assert again.digest == first.digest and again.built["settings"]["optimization_level"] == 5
    (timings,) = (own_cache / "tensorrt_timing").glob("*.bin")
    assert timings.read_bytes() == b"timings of a build"
    timings.write_bytes(b"of another driver")
    assert build_engine(bundle, "fp32", rebuild=True).digest == first.digest
    assert timings.read_bytes() == b"timings of a build"


def test_int8_for_cpus_is_refused_before_anything_is_built(
    make_bundle: Callable[..., Bundle], machine: Any, graphs: Any
) -> None:
    import onnx

    model = onnx.load_from_string(graphs.segmenter())
    model.graph.node.append(
        onnx.helper.make_node("DynamicQuantizeLinear", ["text"], ["q", "scale", "zero"])
    )
    files = {"segmenter.onnx": model.SerializeToString()}
    bundle = make_bundle("dynamic", files=files, precision="int8")
    with pytest.raises(MgcaError, match="DynamicQuantizeLinear"):
        build_engine(bundle, "int8")
    from runtime.backends import open_backend

    with pytest.raises(MgcaError, match="quantised for CPUs"):
        open_backend(bundle, "tensorrt")


def test_uint8_must_go_into_cast(tmp_path: Path, graphs: Any) -> None:
    import onnx

    good = tmp_path / "good.onnx"
    good.write_bytes(graphs.segmenter())
    check_compatibility(good)
    model = onnx.load(str(good))
    model.graph.node.insert(
        0, onnx.helper.make_node("Transpose", ["frame"], ["turned"], perm=[0, 3, 1, 2])
    )
    bad = tmp_path / "bad.onnx"
    onnx.save(model, str(bad))
    with pytest.raises(MgcaError, match="uint8 input frame goes into Transpose"):
        check_compatibility(bad)


def test_settings_are_checked() -> None:
    for wrong in (
        {"words": (0, 1, 2)},
        {"words": (5, 4, 8)},
        {"optimization_level": 6},
        {"exclude_lean_runtime": True},
    ):
        with pytest.raises(UserError):
            EngineSettings(**wrong)


def test_an_unwritable_cache_is_found_before_the_build(
    bundle: Bundle, machine: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MGCA_CACHE", str(tmp_path / "file" / "below"))
    told: list[str] = []
    with pytest.raises(MgcaError, match=r"cannot be written .*set MGCA_CACHE"):
        build_engine(bundle, "fp32", progress=lambda phase, share: told.append(phase))
    assert told == []


def test_the_exported_numbers_are_the_engines(half_bundle: Bundle, machine: Any) -> None:
    from runtime.backends import open_backend
    from runtime.backends.parity import compare_outputs, trial_feeds

    feeds = trial_feeds(half_bundle)
    build_engine(half_bundle, "fp16")
    with (
        open_backend(half_bundle, "tensorrt") as engine,
        open_backend(half_bundle, "onnxruntime-cpu", threads=1) as reference,
    ):
        assert compare_outputs(engine.run(feeds), reference.run(feeds)).passed
        assert engine.run(feeds)["unit_scores"].dtype == np.float32
