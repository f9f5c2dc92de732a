"""OpenAI's archives are read without running them.

``torch.load(weights_only=True)`` refuses them ("Cannot use ``weights_only=True`` with TorchScript
archives", torch 2.14.1) and open_clip 3.3.0 uses ``torch.jit.load``, which runs what it finds. Here
the truth is that ``torch.jit.load``, on archives that the tests made.
"""

from __future__ import annotations

import os
import pickle
import warnings
import zipfile

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("open_clip")

from runtime.errors import UserError  # noqa: E402
from tests.support import small_clip  # noqa: E402
from tests.support.small_clip import NAME, QUICK_NAME  # noqa: E402
from training.model.clip import activation_of, load_clip  # noqa: E402
from training.model.torchscript import is_torchscript, read_activation, read_state  # noqa: E402
from training.model.weights import READ_ERRORS, read_weights  # noqa: E402


@pytest.fixture(scope="module")
def quick_archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("archives")
    small_clip.register(folder)
    small_clip.save_archive(folder / "renamed.pt", small_clip.build(quick=True))
    return folder / "renamed.pt"


def jit_load(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.load(str(path), map_location="cpu")


def test_weights_are_those_that_torch_reads(quick_archive):
    assert is_torchscript(quick_archive)
    expected = jit_load(quick_archive).state_dict()
    expected.pop("attn_mask", None)
    found = read_state(quick_archive)
    assert found.keys() == expected.keys()
    assert {value.dtype for value in found.values()} == {torch.float16, torch.float32, torch.int64}
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_an_archive_as_openai_publishes_it(quick_archive, monkeypatch):
    """The model computes what the archive computes; nothing of the archive is run for it."""
    theirs = jit_load(quick_archive).float()
    monkeypatch.setattr(torch.jit, "load", lambda *_, **__: pytest.fail("the archive was run"))
    clip = load_clip(NAME, str(quick_archive))
    assert activation_of(clip) == "quickgelu"
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(1, 3, 32, 32, generator=generator)
    text = torch.randint(0, 64, (1, 16), generator=generator)
    with torch.inference_mode():
        for ours, expected in zip(clip(image, text), theirs(image, text), strict=True):
            assert torch.allclose(ours, expected, atol=1e-5)
    with pytest.raises(UserError, match="says quickgelu, --activation says gelu"):
        load_clip(NAME, str(quick_archive), "gelu")


@pytest.mark.parametrize("members", [True, False])
@pytest.mark.parametrize("quick", [True, False])
def test_the_code_tells_the_activation(quick_archive, tmp_path, quick, members):
    """Also of archives that are not OpenAI's, whatever numbers they hold."""
    path = tmp_path / "archive.pt"
    small_clip.save_archive(path, small_clip.build(quick=quick), members=members)
    expected = "quickgelu" if quick else "gelu"
    assert read_activation(path) == expected
    assert activation_of(load_clip(NAME, str(path))) == expected
    if not quick:
        with pytest.raises(UserError, match=f"the architecture {QUICK_NAME} says quickgelu"):
            load_clip(QUICK_NAME, str(path))


class _Module(torch.nn.Module):
    """Whatever else may be in a module: views, lists, attributes."""

    def __init__(self):
        super().__init__()
        self.turned = torch.nn.Parameter(torch.arange(6.0).reshape(2, 3).t())
        self.register_buffer("empty", torch.zeros(0))
        self.register_buffer("flag", torch.tensor(True))
        self.sizes = [1, 2]
        self.names = {"a": 1}
        self.attn_mask = torch.ones(2)
        self.inner = torch.nn.ModuleList([torch.nn.Linear(2, 2).to(torch.bfloat16)])

    def forward(self, x):
        return x + self.turned.sum() + self.sizes[0] + self.names["a"] + self.attn_mask.sum()


def test_scripted_modules(tmp_path):
    module = _Module()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(module).save(str(tmp_path / "scripted.pt"))
    found = read_state(tmp_path / "scripted.pt")
    expected = module.state_dict()
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    assert read_activation(tmp_path / "scripted.pt") is None


def rewrite(source, target, changes, *, compress=False):
    """Copy an archive with other content for some members, by the ends of their names."""
    kind = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", kind) as new:
        for name in old.namelist():
            ending = next((end for end in changes if name.endswith(end)), None)
            content = old.read(name) if ending is None else changes[ending]
            if content is not None:
                new.writestr(name, content)
    return target


class _Runs:
    def __reduce__(self):
        return os.mkdir, ("ran",)


def view(offset, size, count=4):
    """A module of one tensor, on the four numbers that ``rewrite`` lays into data/0."""
    storage = b"(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\x000X\3\0\0\0cpuK%ctQ" % count
    tensor = b"ctorch._utils\n_rebuild_tensor_v2\n(%bK%cJ%b\x85K\1\x85\x89NtR"
    filled = tensor % (storage, offset, size.to_bytes(4, "little"))
    return b"\x80\x02c__torch__\nM\n)\x81}(X\1\0\0\0w" + filled + b"ub."


def test_a_view_of_stored_numbers(quick_archive, tmp_path):
    """The pickles below are read where nothing is wrong with them."""
    numbers = {"/data.pkl": view(1, 3), "/data/0": torch.arange(4.0).numpy().tobytes()}
    path = rewrite(quick_archive, tmp_path / "view.pt", numbers)
    assert read_state(path)["w"].tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (pickle.dumps(_Runs(), protocol=2), "mkdir has no business among weights"),
        (b"cbuiltins\neval\n(X\1\0\0\x001tR.", "builtins.eval has no business"),
        (b"ctorch._utils\n_rebuild_qtensor\n(tR.", "has no business"),
        (b"\x80\x02}.", "holds no module"),
        (b"\x80\x02c__torch__\nM\n.", "holds no module"),
        (b"not a pickle", "never writes|opcode|bytes"),
        (b"", "pickle exhausted"),
        (None, "without its data.pkl"),
        (view(0, 2**31 - 1), "is larger than what is stored"),
        (view(2, 3), "out of bounds"),
        (view(0, 4, count=5), "has not the 5 numbers"),
        (b"\x80\x02}r\x09\0\0\0.", "counts its objects as torch never does"),
        (b"\x80\x05\x96\x02\0\0\0\0\0\0\0ab.", "BYTEARRAY8 in it, which torch never writes"),
    ],
)
def test_archives_with_something_else_in_them(quick_archive, tmp_path, monkeypatch, content, words):
    monkeypatch.chdir(tmp_path)
    changes = {"/data.pkl": content, "/data/0": bytes(16)}
    path = rewrite(quick_archive, tmp_path / "other.pt", changes)
    with pytest.raises((ValueError, *READ_ERRORS), match=words):
        read_weights(path)
    with pytest.raises(UserError, match="could not be loaded"):
        load_clip(NAME, str(path))
    assert not (tmp_path / "ran").exists()


def test_a_circle_of_modules_ends(quick_archive, tmp_path):
    circle = b"\x80\x02c__torch__\nM\n)\x81q\x00}(X\1\0\0\0ah\x00ub."
    path = rewrite(quick_archive, tmp_path / "circle.pt", {"/data.pkl": circle})
    assert read_state(path) == {}


def test_damaged_numbers(quick_archive, tmp_path):
    short = rewrite(quick_archive, tmp_path / "short.pt", {"/data/3": b"\0\0"})
    with pytest.raises(UserError, match="has not the"):
        load_clip(NAME, str(short))
    packed = rewrite(quick_archive, tmp_path / "packed.pt", {}, compress=True)
    with pytest.raises(UserError, match="is compressed, which torch never does"):
        load_clip(NAME, str(packed))


@pytest.mark.parametrize(
    "content", [b"", b"hello, world\n", b"PK\x03\x04 broken", b"\x80\x02}.", b"\0" * 100]
)
@pytest.mark.parametrize("ending", [".pt", ".safetensors", ".bin"])
def test_files_that_are_no_weights(quick_archive, tmp_path, content, ending):
    path = tmp_path / f"file{ending}"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"could not be loaded into test-vit: ."):
        load_clip(NAME, str(path))


def test_positions_are_resized_as_open_clip_does(quick_archive, tmp_path):
    """Also of weights in half precision, in which torch 2.14 resizes nothing."""
    open_clip = pytest.importorskip("open_clip")
    state = small_clip.build(quick=True).state_dict()
    grid = torch.randn(17, 64, generator=torch.Generator().manual_seed(0))  # of 4 x 4 patches
    state["visual.positional_embedding"] = grid
    torch.save(state, tmp_path / "w.pt")
    expected = small_clip.build(quick=True)
    open_clip.load_checkpoint(expected, str(tmp_path / "w.pt"))
    torch.save({name: value.half() for name, value in state.items()}, tmp_path / "half.pt")
    for file, tolerance in (("w.pt", 0.0), ("half.pt", 2e-3)):
        found = load_clip(NAME, str(tmp_path / file), "quickgelu").visual.positional_embedding
        assert torch.allclose(found, expected.visual.positional_embedding, atol=tolerance)


def test_weights_of_another_architecture(quick_archive, tmp_path):
    state = small_clip.build(quick=True).state_dict()
    del state["visual.proj"]
    torch.save(state | {"extra": torch.zeros(1)}, tmp_path / "w.pt")
    with pytest.raises(UserError, match=r"1 weight is missing \(first: visual.proj\), 1 is left"):
        load_clip(NAME, str(tmp_path / "w.pt"), "gelu")
