"""What TensorBoard reads of a run, and what W&B keeps of it: the real packages."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from runtime.errors import UserError  # noqa: E402
from training.engine.similarity_pictures import draw_similarities  # noqa: E402
from training.engine.tensorboard import TensorBoard  # noqa: E402
from training.engine.trackers import InLeg, Trackers  # noqa: E402
from training.engine.wandb_run import WandbRun  # noqa: E402

LOSSES = {"phase": "mgca", "step": 3, "loss": 1.25, "iou": {"car": 0.5}, "evaluation": "x"}
PICTURE = np.full((6, 8, 3), (200, 10, 10), np.uint8)


@pytest.mark.slow
def test_figures_and_pictures_are_there(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    trackers = Trackers([TensorBoard(tmp_path)])
    assert trackers.shows_pictures and not Trackers().shows_pictures
    leg = InLeg(trackers, "second", steps_before=10)
    leg.write(LOSSES)
    leg.show("mgca/pictures", 3, PICTURE)
    leg.end()
    trackers.close()
    read = EventAccumulator(str(tmp_path)).Reload()
    assert set(read.Tags()["scalars"]) == {"mgca/loss", "mgca/iou/car"}
    event = read.Scalars("mgca/loss")[0]
    assert (event.step, event.value) == (13, 1.25)
    image = read.Images("mgca/pictures")[0]
    assert (image.step, image.width, image.height) == (13, 8, 6)


@pytest.mark.slow
def test_wandb_keeps_them_offline(tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    run = WandbRun("project", tmp_path, {"seed": 7})
    run.write(LOSSES)
    run.show("mgca/pictures", 3, PICTURE)
    run.close()
    (kept,) = tmp_path.glob("wandb/offline-run-*/run-*.wandb")
    content = kept.read_bytes()
    assert b"mgca/iou/car" in content and b"mgca/pictures" in content
    assert list(tmp_path.glob("wandb/offline-run-*/files/media/images/mgca/pictures*.png"))


def test_wandb_that_is_missing_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "wandb", None)
    with pytest.raises(UserError, match=r"log.wandb is 'project', and .* pip install wandb"):
        WandbRun("project", tmp_path, {})


def test_a_word_lights_up_where_it_is(noun_batch):
    from training.model.clip import load_clip
    from training.model.mgca import MgcaModel, ModelConfig

    torch.manual_seed(0)
    model = MgcaModel(load_clip("mgca-tiny"), ModelConfig())
    batch = noun_batch(0, 2, (64, 48))
    drawn = draw_similarities(model, batch, ("sky", "road"))
    assert drawn.shape == (2 * (48 + 14), 3 * 64, 3) and drawn.dtype == np.uint8
    picture = batch.images_bhw3[0].numpy()
    assert np.array_equal(drawn[14:62, :64], picture)
    # The brightest pixel of the word's maps is where the model's cosine is highest.
    from training.data.batches import normalize_images
    from training.engine.evaluation import embed_names

    with torch.no_grad():
        maps = torch.einsum(
            "d,bdhw->bhw",
            embed_names(model, ("sky",))[0],
            model.pixel_embeddings(normalize_images(batch.images_bhw3)),
        )
    at = int(maps.flatten(1).amax(1).argmax())
    row, column = divmod(int(maps[at].argmax()), maps.shape[2])
    scale = 48 / maps.shape[1]
    shown = (
        drawn[14 + at * 62 : 62 + at * 62, 64:128].astype(float)
        - 0.4 * batch.images_bhw3[at].numpy()
    )
    heat = shown[..., 0] + shown[..., 1] - shown[..., 2]  # viridis: dark blue to yellow
    y, x = int((row + 0.5) * scale), int((column + 0.5) * scale)
    assert heat[y, x] >= np.quantile(heat, 0.95)
    # Without words of one's own: what most of the pictures name.
    assert draw_similarities(model, batch, ()).shape[1] > 64
