"""What a scorer says of a random pair of towers, against figures worked out beside it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("timm")

from benchmarks.ablation.photographs.scoring import Scorer  # noqa: E402
from benchmarks.ablation.photographs.study import Study  # noqa: E402
from benchmarks.photos.questions import ask  # noqa: E402
from runtime.confusion_matrix import count_confusions, mean_iou  # noqa: E402
from tests.support.pair_file import write_pair  # noqa: E402
from tests.support.photo_folder import write_photo_folder  # noqa: E402
from training.config.run import TrainConfig  # noqa: E402
from training.engine.checkpoint import Checkpoint  # noqa: E402
from training.engine.evaluation import embed_names  # noqa: E402
from training.model.mgca import MgcaModel, ModelConfig, load_towers  # noqa: E402
from training.model.unit_space import UnitSpace  # noqa: E402

pytestmark = pytest.mark.slow  # transformers takes seconds to import
SIZE_WH = (96, 48)


@torch.no_grad()
def test_scores_of_pixels_are_those_of_the_decoders_embeddings(tmp_path: Path) -> None:
    folder = write_photo_folder(tmp_path / "photos", size_wh=SIZE_WH)
    names = [f"images/{number}.png" for number in range(3)]
    lines = ["image\tsplit\tcaption", *(f"{name}\tdev\ta red {name[7]}" for name in names)]
    (folder / "captions.tsv").write_text("\n".join(lines) + "\n")
    model_config = ModelConfig(
        clip_name=str(write_pair(tmp_path / "pair")), embedding_width=24, coarse_width=16,
        decoder_width=8, decoder_depth=1, class_width=12, center_text=False, prompts="words",
    )  # fmt: skip
    torch.manual_seed(0)
    model = MgcaModel(load_towers(model_config), model_config).eval()
    space = UnitSpace(torch.zeros(36), torch.randn(36, 8))
    config = TrainConfig(name="random", model=model_config)
    checkpoint = Checkpoint(config=config, model=model, phase="mgca", step=0, unit_space=space)
    scorer = Scorer(model, Study(folder / "captions.tsv", folder, None, tmp_path, 1, 2), SIZE_WH)
    found = scorer.score(checkpoint)

    assert set(found) == {"photographs", "retrieval"}
    assert found["retrieval"]["r5"] == 1.0  # of three photographs
    totals: dict[str, np.ndarray] = {}
    values = scorer.folder.values
    for photograph, seen in zip(scorer.folder.photographs, scorer.photographs, strict=True):
        frame_bgr, labels_hw = photograph.read()
        assert np.array_equal(labels_hw, seen.truth_hw)
        decoded_dhw = model.decoder(seen.features, seen.image_13hw)[0]
        unit_dhw = decoded_dhw / decoded_dhw.norm(dim=0, keepdim=True)
        for question in ask(scorer.folder, photograph, labels_hw):
            rows_kd = embed_names(model, (*question.words, *question.background))
            scores_khw = torch.einsum("kd,dhw->khw", rows_kd, unit_dhw).numpy()
            size_wh = (frame_bgr.shape[1], frame_bgr.shape[0])
            best_hw = np.stack([cv2.resize(one, size_wh) for one in scores_khw]).argmax(axis=0)
            answers = [scorer.folder.index_of[word] for word in question.words]
            answer_hw = np.array(answers + [0] * len(question.background))[best_hw]
            counted = count_confusions(question.truth_hw, answer_hw.astype(np.uint8), values)
            totals[question.figure] = totals.get(question.figure, 0) + counted
    assert set(totals) == set(found["photographs"])
    for figure, confusions in totals.items():
        by_kind = found["photographs"][figure]
        assert by_kind["pixel"]["miou"] == pytest.approx(mean_iou(confusions), abs=1e-9)
        assert set(by_kind) == {"pixel", "groups", "adaptive"}
