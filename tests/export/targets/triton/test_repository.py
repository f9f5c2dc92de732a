"""Triton model repositories, held against Triton's own schema."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from export.targets.triton import check_repository, write_repository
from runtime.bundle import Bundle
from runtime.errors import MgcaError, UserError
from tests.support.fixtures import bundle

__all__ = ["bundle"]  # the hand-made one, not that of an export


@pytest.fixture(scope="module")
def parse_config() -> Callable[[Path], Any]:
    """Triton's ModelConfig of a config.pbtxt; raises on a field or value that it does not have."""
    from google.protobuf import descriptor_pool, message_factory, text_format

    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(Path(__file__).with_name("model_config.binpb").read_bytes())
    kind = message_factory.GetMessageClass(pool.FindMessageTypeByName("inference.ModelConfig"))
    return lambda path: text_format.Parse(path.read_text(), kind())


def test_both_models_by_tritons_schema(
    bundle: Bundle, tmp_path: Path, parse_config: Callable[[Path], Any]
) -> None:
    folders = write_repository(tmp_path / "models", bundle, instances=3)
    assert [folder.name for folder in folders] == ["colors-fp32", "colors-fp32-text"]
    segmenter, text = (parse_config(folder / "config.pbtxt") for folder in folders)
    assert segmenter.name == folders[0].name and segmenter.backend == "onnxruntime"
    assert segmenter.max_batch_size == 0 and segmenter.instance_group[0].count == 3
    kinds = segmenter.DESCRIPTOR.fields_by_name["input"].message_type.fields_by_name["data_type"]
    name_of = {value.number: value.name for value in kinds.enum_type.values}
    tensors = {
        tensor.name: (name_of[tensor.data_type], list(tensor.dims))
        for tensor in (*segmenter.input, *segmenter.output)
    }
    assert tensors == {
        "frame": ("TYPE_UINT8", [1, 6, 8, 3]),
        "text": ("TYPE_FP32", [-1, 3]),
        "class_scores": ("TYPE_FP32", [1, -1, 3, 4]),
        "unit_of_pixel": ("TYPE_INT32", [1, 3, 4]),
        "unit_scores": ("TYPE_FP32", [2, -1]),
        "pixel_scores": ("TYPE_FP32", [1, -1, 3, 4]),
    }
    assert [tensor.name for tensor in text.input] == ["tokens"]
    assert segmenter.version_policy.latest.num_versions == 2
    assert segmenter.parameters["bundle"].string_value == bundle.id
    warm_up = segmenter.model_warmup[0].inputs
    assert list(warm_up["text"].dims) == [20, 3] and warm_up["frame"].zero_data


def test_the_warm_up_request_is_one_that_the_graph_takes(
    bundle: Bundle, tmp_path: Path, parse_config: Callable[[Path], Any]
) -> None:
    import onnxruntime

    for folder in write_repository(tmp_path, bundle):
        config = parse_config(folder / "config.pbtxt")
        session = onnxruntime.InferenceSession(
            str(folder / "1" / "model.onnx"), providers=["CPUExecutionProvider"]
        )
        dtypes = {"tensor(uint8)": "u1", "tensor(float)": "f4", "tensor(int64)": "i8"}
        feeds = {
            item.name: np.zeros(
                list(config.model_warmup[0].inputs[item.name].dims), dtypes[item.type]
            )
            for item in session.get_inputs()
        }
        outputs = session.run(None, feeds)
        assert len(outputs) == len(config.output)


def test_a_new_export_is_a_new_version_and_the_same_one_is_not(
    make_bundle: Callable[..., Bundle], graphs: Any, tmp_path: Path
) -> None:
    root = tmp_path / "models"
    first = make_bundle("first")
    write_repository(root, first)
    write_repository(root, first)
    folder = root / "colors-fp32"
    assert sorted(path.name for path in folder.iterdir()) == ["1", "config.pbtxt"]
    model = onnx.load_from_string(graphs.segmenter())
    model.doc_string = "trained longer"
    second = make_bundle("second", files={"segmenter.onnx": model.SerializeToString()})
    write_repository(root, second)
    assert sorted(path.name for path in folder.iterdir()) == ["1", "2", "config.pbtxt"]
    assert (folder / "1/model.onnx").read_bytes() == first.file("segmenter.onnx").read_bytes()
    assert (folder / "2/model.onnx").read_bytes() == second.file("segmenter.onnx").read_bytes()
    assert second.id in (folder / "config.pbtxt").read_text()
    assert sorted(path.name for path in (root / "colors-fp32-text").iterdir()) == [
        "1",
        "config.pbtxt",
    ]


def test_what_is_somebody_elses_stays(
    bundle: Bundle, make_bundle: Callable[..., Bundle], graphs: Any, tmp_path: Path
) -> None:
    root = tmp_path / "models"
    other = root / "resnet" / "config.pbtxt"
    other.parent.mkdir(parents=True)
    other.write_text('name: "resnet"')
    foreign = root / "colors-fp32" / "notes.txt"
    foreign.parent.mkdir()
    foreign.write_text("mine")
    with pytest.raises(UserError, match="was not written by an export"):
        write_repository(root, bundle)
    assert [path.name for path in foreign.parent.iterdir()] == ["notes.txt"]
    shutil.rmtree(foreign.parent)
    write_repository(root, bundle)
    wider = make_bundle(
        "wider",
        files={"segmenter.onnx": graphs.segmenter(drop_output="unit_scores")},
    )
    with pytest.raises(UserError, match="other inputs or outputs, and its clients would break"):
        write_repository(root, wider)
    assert other.read_text() == 'name: "resnet"'
    assert sorted(path.name for path in (root / "colors-fp32").iterdir()) == ["1", "config.pbtxt"]


def test_a_repository_is_looked_at_before_the_work(bundle: Bundle, tmp_path: Path) -> None:
    root = tmp_path / "models"
    check_repository(root, "colors", ["fp32"])
    write_repository(root, bundle)
    check_repository(root, "colors", ["fp32"])
    foreign = root / "colors-fp16-text"
    foreign.mkdir()
    (foreign / "notes.txt").write_text("mine")
    check_repository(root, "colors", ["fp32"])
    with pytest.raises(UserError, match="colors-fp16-text was not written by an export"):
        check_repository(root, "colors", ["fp32", "fp16"])
    with pytest.raises(UserError, match="is a file"):
        check_repository(foreign / "notes.txt", "colors", ["fp32"])


def test_a_model_that_did_not_fit_leaves_no_folder(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("export.targets.triton.repository.shutil.copyfile", no_room)
    with pytest.raises(MgcaError, match="No space left on device"):
        write_repository(tmp_path / "models", bundle)
    assert list((tmp_path / "models").iterdir()) == []


def test_a_repository_that_cannot_be_written(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MgcaError, match="cannot be written"):
        write_repository(tmp_path / "file", bundle)
    root = tmp_path / "models"
    write_repository(root, bundle)
    before = sorted(path.relative_to(root) for path in root.rglob("*"))
    shutil.rmtree(root / "colors-fp32" / "1")

    def no_room(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("export.targets.triton.repository.shutil.copyfile", no_room)
    with pytest.raises(MgcaError, match="No space left on device"):
        write_repository(root, bundle)
    left = sorted(path.relative_to(root) for path in root.rglob("*"))
    assert left == [path for path in before if "1" not in path.parts or "text" in path.parts[0]]


def test_names_that_folders_do_not_take(
    make_bundle: Callable[..., Bundle], tmp_path: Path, parse_config: Callable[[Path], Any]
) -> None:
    odd = make_bundle("odd", model_id='CLIP ViT-B/16 "best" ü')
    folder = write_repository(tmp_path, odd)[0]
    assert folder == tmp_path / "CLIP-ViT-B-16-best-fp32"
    assert parse_config(folder / "config.pbtxt").name == folder.name
    assert odd.id in parse_config(folder / "config.pbtxt").parameters["bundle"].string_value
