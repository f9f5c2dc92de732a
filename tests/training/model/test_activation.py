"""Which activation a CLIP is built with: the weights' tag or content decides, or the user does.

The source of the truth for tags is open_clip 3.3.0's table of pretrained weights
(``open_clip.pretrained``), where OpenAI's and some others have ``quick_gelu=True``. There,
``create_model("ViT-B-16", pretrained="openai")`` builds plain GELU all the same and only warns.
"""

from __future__ import annotations

import warnings

import pytest

torch = pytest.importorskip("torch")
open_clip = pytest.importorskip("open_clip")

from runtime.errors import UserError  # noqa: E402
from tests.support import small_clip  # noqa: E402
from tests.support.small_clip import NAME, QUICK_NAME  # noqa: E402
from training.model.activation import activation_of_tag  # noqa: E402
from training.model.clip import activation_of, load_clip  # noqa: E402
from training.model.mgca import ModelConfig  # noqa: E402


@pytest.fixture(scope="module", autouse=True)
def registered(tmp_path_factory):
    small_clip.register(tmp_path_factory.mktemp("configs"))


@pytest.fixture
def tags(tmp_path, monkeypatch):
    """Two tags of the small model; their weights lie on the disk in the place of a download."""
    path = tmp_path / "downloaded.pt"
    torch.save(small_clip.build(quick=True).state_dict(), path)
    table = open_clip.pretrained._PRETRAINED
    monkeypatch.setitem(table, NAME, {"quick": {"quick_gelu": True}, "plain": {"url": "x"}})
    monkeypatch.setitem(table, QUICK_NAME, {"quick": {"quick_gelu": True}})
    monkeypatch.setattr(open_clip.factory, "download_pretrained", lambda *_, **__: str(path))


def save_state(path, *, quick=True):
    torch.save(small_clip.build(quick=quick).state_dict(), path)
    return str(path)


@pytest.mark.parametrize(
    ("name", "tag", "activation"),
    [
        *((name, "openai", "quickgelu")
          for name in ("ViT-B-32", "ViT-B-16", "ViT-L-14", "ViT-L-14-336")),
        ("ViT-B-32", "laion400m_e31", "quickgelu"),
        ("ViT-B-32", "laion400m_e32", "quickgelu"),
        ("ViT-B-16", "laion400m_e32", "gelu"),
        ("ViT-L-14", "laion400m_e31", "gelu"),
        ("ViT-B-32", "laion2b_s34b_b79k", "gelu"),
        ("ViT-B-16", "laion2b_s34b_b88k", "gelu"),
        ("ViT-B-16", "datacomp_xl_s13b_b90k", "gelu"),
        ("ViT-B-16", "metaclip_400m", "quickgelu"),
        ("ViT-B-16", "metaclip_fullcc", "quickgelu"),
        ("ViT-B-16", "dfn2b", "quickgelu"),
        ("ViT-B-16", "OpenAI", "quickgelu"),
        ("ViT-H-14", "dfn5b", "quickgelu"),
        ("ViT-H-14-378", "dfn5b", "quickgelu"),
        ("ViT-H-14-worldwide", "metaclip2_worldwide", "quickgelu"),
        ("ViT-H-14-worldwide-378", "metaclip2_worldwide", "gelu"),
        ("ViT-B-16-quickgelu", "openai", "quickgelu"),
        # The tag says nothing; the architecture that it was trained in does.
        ("roberta-ViT-B-32", "laion2b_s12b_b32k", "quickgelu"),
        ("ViT-B-16", "./openai", None),
    ],
)  # fmt: skip
def test_activation_of_a_tag(name, tag, activation):
    if "worldwide" in name and tag not in open_clip.list_pretrained_tags_by_model(name):
        pytest.skip("MetaCLIP 2 came with a later open_clip")
    assert activation_of_tag(name, tag) == activation


@pytest.mark.parametrize(
    ("name", "tag", "asked", "activation"),
    [
        (NAME, "quick", None, "quickgelu"),
        (NAME, "plain", None, "gelu"),
        (QUICK_NAME, "quick", None, "quickgelu"),
        (NAME, "quick", "quickgelu", "quickgelu"),
    ],
)
def test_a_tag_builds_what_its_weights_were_trained_with(tags, name, tag, asked, activation):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # open_clip's, of a mismatch
        clip = load_clip(name, tag, asked)
    assert activation_of(clip) == activation
    assert torch.equal(clip.visual.proj, small_clip.build(quick=True).visual.proj)


@pytest.mark.parametrize(
    ("name", "tag", "asked", "words"),
    [
        (NAME, "quick", "gelu", "tag 'quick' says quickgelu, --activation says gelu"),
        (NAME, "plain", "quickgelu", "tag 'plain' says gelu"),
        (QUICK_NAME, "plain", None, f"trained with plain GELU, .* in: {NAME}$"),
        (QUICK_NAME, "quick", "gelu", "two activations"),
        (NAME, "quick", "swish", "expected quickgelu or gelu"),
    ],
)
def test_a_tag_that_says_otherwise_is_refused(tags, name, tag, asked, words):
    with pytest.raises(UserError, match=words):
        load_clip(name, tag, asked)


def test_quickgelu_architecture_and_a_tag_of_plain_gelu():
    """open_clip lists no such pair; with a table of one's own it would build the wrong one."""
    with pytest.raises(UserError, match="laion2b_s34b_b88k' were trained with plain GELU"):
        load_clip("ViT-B-16-quickgelu", "laion2b_s34b_b88k")


@pytest.mark.parametrize("file", ["openai-vit.pt", "anything.pt", "weights.safetensors"])
def test_a_file_that_does_not_say_is_never_guessed(tmp_path, file):
    """Its name says nothing, nor do keys or half precision: open_clip stores both alike."""
    model = small_clip.build(quick=True)
    state = {n: v.half() if v.ndim > 1 else v.clone() for n, v in model.state_dict().items()}
    path = str(tmp_path / file)
    if file.endswith(".safetensors"):
        pytest.importorskip("safetensors.torch").save_file(state, path)
    else:
        torch.save({"epoch": 3, "state_dict": {f"module.{n}": v for n, v in state.items()}}, path)
    with pytest.raises(UserError, match=r"--activation quickgelu or gelu .*model\.activation"):
        load_clip(NAME, path)
    for asked in ("quickgelu", "gelu"):
        clip = load_clip(NAME, path, asked)
        assert activation_of(clip) == asked
        assert torch.equal(clip.visual.proj, state["visual.proj"].float())
    assert activation_of(load_clip(QUICK_NAME, path)) == "quickgelu"
    with pytest.raises(UserError, match="two activations for one model"):
        load_clip(QUICK_NAME, path, "gelu")


def test_a_state_dict_out_of_an_openai_archive_says_it(tmp_path):
    """``torch.jit.load("ViT-B-16.pt").state_dict()`` has three numbers among the weights."""
    state = dict(small_clip.build(quick=True).state_dict())
    numbers = {"input_resolution": 32, "context_length": 16, "vocab_size": 64}
    path = tmp_path / "some.pt"
    torch.save(state | {name: torch.tensor(value) for name, value in numbers.items()}, path)
    assert activation_of(load_clip(NAME, str(path))) == "quickgelu"
    with pytest.raises(UserError, match="says quickgelu, --activation says gelu"):
        load_clip(NAME, str(path), "gelu")


def test_a_file_does_not_stand_in_for_a_tag(tags, tmp_path, monkeypatch):
    """open_clip takes the tag, so the tag's activation is the right one."""
    monkeypatch.chdir(tmp_path)
    save_state(tmp_path / "quick")
    assert activation_of(load_clip(NAME, "quick")) == "quickgelu"
    with pytest.raises(UserError, match="--activation quickgelu or gelu"):
        load_clip(NAME, "./quick")


def test_our_own_weights_need_no_word(tmp_path):
    path = tmp_path / "openai-tiny.pt"
    torch.save(load_clip("mgca-tiny").state_dict(), path)
    assert activation_of(load_clip("mgca-tiny", str(path))) == "gelu"
    assert activation_of(load_clip("mgca-tiny", str(path), "quickgelu")) == "quickgelu"


@pytest.mark.parametrize("activation", ["quickgelu", "gelu"])
def test_random_weights_get_what_is_asked_for(activation):
    assert activation_of(load_clip(NAME, None, activation)) == activation


def test_towers_compute_what_was_chosen(tmp_path):
    """QuickGELU(1) = 1 / (1 + exp(-1.702)) = 0.8458, GELU(1) = Φ(1) = 0.8413."""
    path = save_state(tmp_path / "weights.pt")
    for asked, value in (("quickgelu", 0.8458), ("gelu", 0.8413)):
        clip = load_clip(NAME, path, asked)
        for tower in (clip.visual.transformer, clip.transformer):
            found = float(tower.resblocks[0].mlp.gelu(torch.ones(1)))
            assert found == pytest.approx(value, abs=1e-4)


def test_the_configuration_takes_the_two_words():
    assert ModelConfig(activation="quickgelu").activation == "quickgelu"
    with pytest.raises(ValueError, match="expected quickgelu or gelu"):
        ModelConfig(activation="relu")
