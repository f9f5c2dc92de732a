"""A trunk and a sentence encoder as one model: read, brought together, kept in a checkpoint."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("open_clip")
pytest.importorskip("transformers")
timm = pytest.importorskip("timm")

from runtime.errors import UserError  # noqa: E402
from tests.support.pair_file import TRUNK, write_pair, write_trunk  # noqa: E402
from training.config.run import TrainConfig  # noqa: E402
from training.data.batches import Batch  # noqa: E402
from training.engine.checkpoint import Checkpoint, load_checkpoint, save_checkpoint  # noqa: E402
from training.losses.config import LossConfig  # noqa: E402
from training.losses.objective import MgcaObjective  # noqa: E402
from training.model.clip import load_clip, tokenizer_for  # noqa: E402
from training.model.mgca import MgcaModel, ModelConfig, load_towers, without_edge_stages  # noqa: E402
from training.model.towers.alignment import join_parts  # noqa: E402
from training.model.towers.class_space import ClassSpace  # noqa: E402
from training.model.towers.pair import load_pair  # noqa: E402
from training.model.towers.trunk import Trunk  # noqa: E402

pytestmark = pytest.mark.slow  # transformers takes seconds to import
TEXTS = ["a dog", "a red bus in the street", "a tree", "a dog"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pair")


@pytest.fixture(scope="module")
def pair_file(folder: Path) -> Path:
    return write_pair(folder)


@pytest.fixture(scope="module")
def config(pair_file: Path) -> ModelConfig:
    return ModelConfig(
        clip_name=str(pair_file), embedding_width=24, coarse_width=16, decoder_width=8,
        decoder_depth=1, class_width=12, center_text=False, prompts="words",
    )  # fmt: skip


@pytest.fixture
def model(config: ModelConfig) -> MgcaModel:
    torch.manual_seed(0)
    return MgcaModel(load_towers(config), config).eval()


def images(count: int = 2) -> torch.Tensor:
    return torch.randn(count, 3, 64, 96, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", [TRUNK, "resnet18"])
@torch.no_grad()
def test_patches_answer_as_the_classifier_does_for_the_whole_picture(
    folder: Path, name: str
) -> None:
    """A linear classifier's mean over the patches is its answer to the mean: timm's own."""
    trunk = Trunk(name, str(write_trunk(folder / "own.pth", name))).eval()
    seen = trunk(images())
    normalised = images() * trunk.factor + trunk.offset
    torch.testing.assert_close(
        seen.classes_bchw.mean((2, 3)), trunk.net(normalised), atol=1e-4, rtol=1e-4
    )
    assert seen.late_bchw.shape == (2, trunk.late_width, 4, 6)
    assert seen.half_bchw.shape == (2, trunk.half_width, 8, 12)
    assert seen.quarter_bchw.shape == (2, trunk.quarter_width, 16, 24)


@torch.no_grad()
def test_a_trunk_with_a_layer_before_its_classifier_has_no_classes(folder: Path) -> None:
    weights = str(write_trunk(folder / "convnext.pth", "convnext_atto"))
    trunk = Trunk("convnext_atto", weights).eval()
    assert trunk.classes == 0 and trunk(images()).classes_bchw is None
    assert trunk(images()).late_bchw.shape == (2, trunk.late_width, 4, 6)


@torch.no_grad()
def test_colors_come_in_as_the_files_were_trained(folder: Path) -> None:
    from training.data.batches import normalize_images

    trunk = Trunk(TRUNK, str(write_trunk(folder / "colors.pth")))
    pixels = torch.tensor([[[[0, 127, 255]]]], dtype=torch.uint8)
    got = (normalize_images(pixels) * trunk.factor + trunk.offset).flatten()
    torch.testing.assert_close(got, (torch.tensor([0.0, 127.0, 255.0]) - 127) / 128)


def test_weights_by_the_names_that_the_packages_have(folder: Path) -> None:
    """Names as in the published files, block by block, for timm's."""
    net = timm.create_model(TRUNK, pretrained=False)
    blocks = [f"blocks.{i}.{j}" for i, stage in enumerate(net.blocks) for j in range(len(stage))]
    theirs = {}
    for name, value in net.state_dict().items():
        place = next((block for block in blocks if name.startswith(f"{block}.")), None)
        if place is None:
            for mine, other in (
                ("conv_stem", "_conv_stem"), ("bn1", "_bn0"), ("conv_head", "_conv_head"),
                ("bn2", "_bn1"), ("classifier", "_fc"),
            ):  # fmt: skip
                if name.startswith(f"{mine}."):
                    theirs[name.replace(mine, other, 1)] = value
            continue
        part, _, rest = name.removeprefix(f"{place}.").partition(".")
        first = place.startswith("blocks.0.")
        other = {
            True: {"conv_dw": "_depthwise_conv", "bn1": "_bn1", "conv_pw": "_project_conv",
                   "bn2": "_bn2"},
            False: {"conv_pw": "_expand_conv", "bn1": "_bn0", "conv_dw": "_depthwise_conv",
                    "bn2": "_bn1", "conv_pwl": "_project_conv", "bn3": "_bn2"},
        }[first][part]  # fmt: skip
        theirs[f"_blocks.{blocks.index(place)}.{other}.{rest}"] = value
    torch.save(theirs, folder / "theirs.pth")
    trunk = Trunk(TRUNK, str(folder / "theirs.pth"))
    assert all(
        torch.equal(value, net.state_dict()[k]) for k, value in trunk.net.state_dict().items()
    )


@pytest.mark.parametrize(
    ("name", "weights", "said"),
    [
        ("no_such_trunk", "own", "not known to timm"),
        ("vit_tiny_patch16_224", "own", "stride of 16"),
        ("tf_efficientnet_lite1", "own", "do not fit"),
        (TRUNK, "pypi:no-such-package", "pip install no-such-package"),
        (TRUNK, "missing.pth", "no such file"),
        (TRUNK, "text", "do not fit"),
    ],
)
def test_a_trunk_that_cannot_be_is_the_users_error(
    folder: Path, name: str, weights: str, said: str
) -> None:
    if weights == "own":
        weights = str(write_trunk(folder / "lite0.pth"))
    if weights == "text":
        torch.save({"a": "b"}, folder / "text.pth")
        weights = str(folder / "text.pth")
    with pytest.raises(UserError, match=said):
        Trunk(name, weights)


def test_more_classes_than_the_trunk_has(pair_file: Path) -> None:
    with pytest.raises(UserError, match="1000 classes"):
        load_pair(str(pair_file), 1001)


def test_weights_that_nobody_names(folder: Path) -> None:
    with pytest.raises(UserError, match="timm_weights"):
        load_pair(str(write_pair(folder / "unnamed", timm_weights=None)), 0)


def test_the_classes_space_does_not_depend_on_the_number_of_threads(pair_file: Path) -> None:
    """Stored features are of one space: another one would have them all computed again."""
    threads = torch.get_num_threads()
    spaces = []
    for count in (1, 2):
        torch.set_num_threads(count)
        try:
            spaces.append(load_pair(str(pair_file), 256).classes)
        finally:
            torch.set_num_threads(threads)
    assert torch.equal(spaces[0].names_cd, spaces[1].names_cd)
    assert torch.equal(spaces[0].projection_cr, spaces[1].projection_cr)


@torch.no_grad()
def test_a_words_own_class_is_where_it_is_nearest() -> None:
    names = torch.nn.functional.normalize(torch.randn(40, 16), dim=1)
    space = ClassSpace.of_names(names, 40)
    sure = space.of_logits(20 * torch.eye(40)[:, :, None, None])[:, :, 0, 0]
    assert ((space.of_texts(names) @ sure.T).argmax(1) == torch.arange(40)).all()
    torch.testing.assert_close(sure.norm(dim=1), torch.ones(40))


def test_cosines_are_shared_out_between_the_parts() -> None:
    (a, b), (c, d) = ((torch.randn(5, width) for width in (7, 3)) for _ in range(2))
    cosine = torch.nn.functional.cosine_similarity
    joined = (join_parts(a, b, 0.3, dim=1) * join_parts(c, d, 0.3, dim=1)).sum(1)
    torch.testing.assert_close(joined, 0.7 * cosine(a, c) + 0.3 * cosine(b, d))


def test_the_classes_have_no_share_while_training(model: MgcaModel) -> None:
    learned = model.encoder.learned_width
    tokens = model.clip.text.tokenizer(TEXTS)
    with torch.no_grad():
        asked = model.encode_text(tokens), model.pixel_embeddings(images()).transpose(0, 1)
        model.train()
        trained = model.encode_text(tokens), model.pixel_embeddings(images()).transpose(0, 1)
    assert asked[0][:, learned:].abs().max() > 0 and asked[1][learned:].abs().max() > 0
    assert not trained[0][:, learned:].any() and not trained[1][learned:].any()


@torch.no_grad()
def test_a_text_gets_as_much_of_the_classes_as_it_is_near_to_a_name(config: ModelConfig) -> None:
    towers = load_towers(config)
    near = dataclasses.replace(config, class_weight=0.4, class_nearness=(0.5, 0.9))
    model = MgcaModel(towers, near).eval()
    head = model.text_head
    assert head is not None and head.classes is not None
    name_d = head.classes.names_cd[0]
    other_d = torch.nn.functional.normalize(torch.randn(len(name_d)), dim=0)
    for texts_nd in (name_d[None], other_d[None], (name_d + other_d)[None]):
        texts_nd = torch.nn.functional.normalize(texts_nd, dim=1)
        nearness = float((texts_nd @ head.classes.names_cd.T).max())
        share = 0.4 * min(max((nearness - 0.5) / 0.4, 0), 1)
        found = head(texts_nd)
        assert float(found.norm()) == pytest.approx(1, abs=1e-5)
        assert float(found[:, config.embedding_width :].square().sum()) == pytest.approx(
            share, abs=1e-5
        )
    assert float(head(name_d[None])[:, config.embedding_width :].square().sum()) > 0.39


@torch.no_grad()
def test_without_edge_stages_patches_are_enlarged(config: ModelConfig) -> None:
    plain = dataclasses.replace(config, edge_stages=False)
    torch.manual_seed(0)
    model = MgcaModel(load_towers(config), plain).eval()
    features = model.encoder(images())
    found = model.decoder(features, images())
    assert found.shape == (2, 36, 16, 24)
    patches = model.decoder.align_patches(features)
    # The middle of a patch is mostly its own.
    middle = found[:, :, 1::4, 1::4] + found[:, :, 2::4, 2::4]
    wanted = torch.nn.functional.interpolate(patches, scale_factor=4.0, mode="bilinear")
    torch.testing.assert_close(found, wanted)
    assert torch.nn.functional.cosine_similarity(middle, patches).min() > 0.9
    assert not any("stage" in name for name in model.decoder.state_dict())
    model.decoder.close()  # has nothing to close


@torch.no_grad()
def test_edge_stages_are_left_out_afterwards(model: MgcaModel) -> None:
    for weight in (*model.decoder.parameters(), *model.text_head.map.parameters()):
        weight.normal_(std=0.1)
    plain = without_edge_stages(model)
    assert not plain.training and not plain.config.edge_stages
    tokens = tokenizer_for(model.clip)(TEXTS)
    torch.testing.assert_close(plain.encode_text(tokens), model.encode_text(tokens))
    features = model.encoder(images())
    torch.testing.assert_close(
        plain.decoder.align_patches(features), model.decoder.align_patches(features)
    )
    with_edges = model.pixel_embeddings(images())
    assert (plain.pixel_embeddings(images()) - with_edges).abs().max() > 0.01
    with pytest.raises(UserError, match="expected a pair of towers"):
        without_edge_stages(MgcaModel(load_clip("mgca-tiny"), ModelConfig()))


def test_texts_are_read_once_and_have_a_gradient_behind_the_tower(model: MgcaModel) -> None:
    tokens = tokenizer_for(model.clip)(TEXTS)
    rows = model.encode_text(tokens)
    assert rows.shape == (4, 36) and torch.equal(rows[0], rows[3])
    rows[:, 0].sum().backward()
    assert model.text_head.map.weight.grad is not None
    assert all(weight.grad is None for weight in model.clip.parameters())
    one_by_one = torch.cat([model.clip.text(row[None]) for row in tokens])
    torch.testing.assert_close(model.clip.encode_text(tokens), one_by_one, atol=1e-5, rtol=1e-5)


def batch(model: MgcaModel, count: int = 4) -> Batch:
    tokenizer = tokenizer_for(model.clip)
    generator = torch.Generator().manual_seed(0)
    return Batch(
        torch.randint(0, 256, (count, 64, 64, 3), generator=generator, dtype=torch.uint8),
        tokenizer(["a dog in the street", "a red bus", "a tree and a cat", "a person"]),
        torch.arange(count),
        tokenizer(["dog", "bus", "tree", "cat"]),
        torch.tensor([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 0]], dtype=torch.bool),
    )


@pytest.mark.parametrize("on_patches", [True, False])
def test_captions_nouns_and_classes_teach_decoder_and_map(
    model: MgcaModel, on_patches: bool
) -> None:
    losses = LossConfig(
        texts="both", on_patches=on_patches, clip_margin=None, class_level_weight=0.5,
        tile_mixing=((1, 1), (1, 1)),
    )  # fmt: skip
    objective = MgcaObjective(model, losses, seed=0)
    trained = [weight for weight in objective.parameters() if weight.requires_grad]
    optimiser = torch.optim.Adam(trained, 0.01)
    seen, one = [], batch(model)
    for _ in range(8):
        optimiser.zero_grad()
        found = objective(one)
        found["loss"].backward()
        optimiser.step()
        seen.append(float(found["loss"].detach()))
    assert {"object", "region", "pixel", "cover", "presence", "classes"} <= found.keys()
    assert seen[-1] < seen[0]
    # Without the stages that follow edges these learn nothing.
    assert (model.decoder.stage2.speak.weight.grad is None) == on_patches


@pytest.mark.parametrize("asked", [{"on_patches": True}, {"class_level_weight": 0.5}])
def test_what_only_a_pair_has_is_refused_of_a_clip(asked: dict[str, Any]) -> None:
    plain = MgcaModel(load_clip("mgca-tiny"), ModelConfig())
    with pytest.raises(UserError, match="pair of towers"):
        MgcaObjective(plain, LossConfig(**asked), seed=0)


@torch.no_grad()
def test_a_checkpoint_holds_no_tower_and_knows_them_again(
    model: MgcaModel, config: ModelConfig, pair_file: Path, tmp_path: Path
) -> None:
    for weight in (*model.decoder.parameters(), *model.text_head.map.parameters()):
        weight.normal_(std=0.1)
    path = tmp_path / "last.pt"
    save_checkpoint(path, Checkpoint(TrainConfig(name="p", model=config), model, "mgca", 1))
    assert path.stat().st_size < 0.2 * (pair_file.parent / "trunk.pth").stat().st_size
    again = load_checkpoint(path).model
    torch.testing.assert_close(again.pixel_embeddings(images()), model.pixel_embeddings(images()))
    tokens = tokenizer_for(model.clip)(TEXTS)
    torch.testing.assert_close(again.encode_text(tokens), model.encode_text(tokens))
    other = torch.load(pair_file.parent / "trunk.pth")
    other["classifier.bias"] += 1
    torch.save(other, pair_file.parent / "trunk.pth")
    try:
        with pytest.raises(UserError, match="other weights of the trunk"):
            load_checkpoint(path)
    finally:
        write_trunk(pair_file.parent / "trunk.pth")
