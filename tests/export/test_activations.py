"""The activation that a graph computes against the one that its weights were trained with."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("open_clip")

from export.activations import check_activation, count_activations  # noqa: E402
from export.cli import main  # noqa: E402
from export.graph.staged_graph import StagedGraph  # noqa: E402
from runtime.bundle import ClipInfo, load_bundle  # noqa: E402
from runtime.errors import MgcaError  # noqa: E402
from tests.support import small_clip  # noqa: E402
from training.model.clip import load_clip  # noqa: E402


def graph_of(**stages: str) -> StagedGraph:
    """A graph of unconnected nodes: ``n1_Gelu="encoder.mlp"`` is a Gelu of that stage."""
    nodes = [onnx.helper.make_node(name.split("_")[1], ["x"], [name], name=name) for name in stages]
    model = onnx.helper.make_model(onnx.helper.make_graph(nodes, "g", [], []))
    return StagedGraph(model, stages)


def source_of(activation: str, tag: str = "file:w.pt", *, decoder=None):
    info = ClipInfo("ViT-B-16", tag, "clearclip", activation)
    encoder = SimpleNamespace(visual=None)
    return SimpleNamespace(clip_info=info, decoder_weights=decoder, encoder=encoder)


QUICK = graph_of(n1_Sigmoid="encoder.mlp", n2_Gelu="decoder", n3_Softmax="encoder.attention")
PLAIN = graph_of(n1_Gelu="encoder.mlp", n2_Sigmoid="units")
ERF = graph_of(n1_Erf="encoder.mlp")
TEXT = graph_of(n1_Sigmoid="text")


def test_only_the_towers_count() -> None:
    assert count_activations(QUICK, "encoder") == {"quickgelu": 1}
    assert count_activations(PLAIN, "encoder") == {"gelu": 1}
    assert count_activations(QUICK, "decoder") == {"gelu": 1}


@pytest.mark.parametrize(
    ("activation", "image", "text"),
    [("quickgelu", QUICK, TEXT), ("quickgelu", QUICK, None), ("gelu", PLAIN, None),
     ("gelu", ERF, None), ("gelu", graph_of(n1_Relu="encoder.mlp"), None)],
)  # fmt: skip
def test_graphs_that_compute_what_is_recorded(activation, image, text) -> None:
    check_activation(source_of(activation), image, text)


@pytest.mark.parametrize(
    ("activation", "image", "text", "words"),
    [
        ("gelu", QUICK, None, "image tower's graph computes 1 x quickgelu, ViT-B-16 has gelu"),
        ("quickgelu", PLAIN, None, "image tower's graph computes 1 x gelu"),
        ("quickgelu", ERF, None, "image tower's graph computes 1 x gelu"),
        ("gelu", PLAIN, TEXT, "text tower's graph computes 1 x quickgelu"),
    ],
)
def test_graphs_that_compute_the_other_one(activation, image, text, words) -> None:
    with pytest.raises(MgcaError, match=words):
        check_activation(source_of(activation), image, text)


def test_the_record_is_compared_with_the_tag(capsys) -> None:
    """Also in open_clip 3.3.0's table: laion2b's ViT-B/16 was trained with plain GELU."""
    check_activation(source_of("quickgelu", "openai"), QUICK, None)
    check_activation(source_of("gelu", "laion2b_s34b_b88k"), PLAIN, None)
    with pytest.raises(MgcaError, match="'openai' were trained with quickgelu, not gelu"):
        check_activation(source_of("gelu", "openai"), PLAIN, None)
    # A decoder that was trained on the wrong features needs those.
    check_activation(source_of("gelu", "openai", decoder={}), PLAIN, None)
    assert "the checkpoint's decoder was trained on the latter" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("activation", "opset", "operator"),
    [("quickgelu", "20", "Sigmoid"), ("gelu", "18", "Erf")],
)
def test_an_export_records_what_it_computes(
    words: Path, tmp_path: Path, activation: str, opset: str, operator: str
) -> None:
    weights, out = tmp_path / "weights.pt", tmp_path / "out"
    torch.save(load_clip("mgca-tiny").state_dict(), weights)
    flags = ["--training-free", "--clip", "mgca-tiny", "--pretrained", str(weights)]
    flags += ["--activation", activation, "--gate", "cosine", "--size", "96x64", "--frames", "1"]
    assert main([*flags, "--opset", opset, "--vocabulary", str(words), "--out", str(out)]) == 0
    assert load_bundle(out).manifest.clip.activation == activation
    for name in ("segmenter.onnx", "text_encoder.onnx"):
        kinds = [node.op_type for node in onnx.load(str(out / name)).graph.node]
        assert kinds.count(operator) == 3  # a block each
        assert {"Sigmoid", "Erf", "Gelu"} & set(kinds) == {operator}


def test_a_file_that_does_not_say_ends_the_export_at_once(tmp_path: Path, capsys) -> None:
    small_clip.register(tmp_path)
    weights = tmp_path / "openai-vit.pt"
    torch.save(small_clip.build(quick=True).state_dict(), weights)
    flags = ["--training-free", "--clip", small_clip.NAME, "--pretrained", str(weights)]
    assert main([*flags, "--out", str(tmp_path / "out")]) == 2
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert "expected --activation quickgelu or gelu" in line


def test_gates_of_swiglu_are_no_quickgelu() -> None:
    timm = pytest.importorskip("timm")
    from training.model.timm import TimmTower

    trunk = timm.models.eva.Eva(
        img_size=16, patch_size=8, embed_dim=12, depth=1, num_heads=3, num_classes=4,
        swiglu_mlp=True, scale_mlp=True, global_pool="token",
    )  # fmt: skip
    visual = SimpleNamespace(trunk=trunk, head=torch.nn.Identity(), image_size=(16, 16))
    source = source_of("gelu")
    source.encoder = SimpleNamespace(visual=TimmTower(visual))
    check_activation(source, graph_of(n1_Sigmoid="encoder.mlp"), None)
    with pytest.raises(MgcaError, match="image tower's graph computes 1 x gelu"):
        source.clip_info = source_of("quickgelu").clip_info
        check_activation(source, PLAIN, None)
