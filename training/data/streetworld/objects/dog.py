"""Dogs."""

from __future__ import annotations

import numpy as np

from training.data.streetworld.drawing import IMAGE, DisplayList, Texture
from training.data.streetworld.geometry import disc
from training.data.streetworld.objects.figure import Figure
from training.data.streetworld.palette import Color, paint_of, pick_color, shade
from training.data.streetworld.rng import Rng


def draw_dog(
    scene: DisplayList,
    rng: Rng,
    x: float,
    y: float,
    tall: float,
    *,
    ground: str | None = None,
    color: str | None = None,
    step: float | None = None,
    mirror: float | None = None,
) -> int:
    """A dog that stands, walks, runs or sits; paws at (x, y), ``tall`` image heights."""
    name = color or pick_color(rng, "dog")
    thing = scene.thing("dog", name, ground)
    coat = paint_of(rng, name)
    dark: Color = shade(coat, 0.72) if name != "black" else (44.0, 42.0, 44.0)
    figure = Figure(scene, thing, x, y, tall, mirror if mirror is not None else rng.sign())
    fur = scene.texture(Texture("fur", 190, 1.0, offset=(rng.random(), rng.random())))
    stride = step if step is not None else rng.uniform(-1, 1)
    length, leg = rng.uniform(0.85, 1.2), rng.uniform(0.34, 0.44)
    scene.blend(figure.at(disc(0.0, 0.0, 0.62, 0.05)), (10, 10, 14), 0.4)
    sits = step is None and rng.chance(0.2)
    if sits:
        _sit(figure, coat, dark, fur)
        head_x, head_y = 0.2, 0.82
    else:
        head_x, head_y = _stand(figure, rng, stride, length, leg, coat, dark, fur)
    _head(figure, rng, head_x, head_y, coat, dark)
    return thing


def _stand(
    figure: Figure, rng: Rng, stride: float, length: float, leg: float, coat: Color, dark: Color,
    fur: int,
) -> tuple[float, float]:  # fmt: skip
    """All but the head of a dog on its legs. Returns where the head is."""
    rear, front, back = -length / 2, length / 2, leg + 0.36
    swing = 0.16 * stride
    figure.limb(rear + 0.12, leg + 0.1, rear + 0.08 - swing, 0.02, 0.14, 0.07, dark)
    figure.limb(front - 0.12, leg + 0.1, front - 0.12 + swing, 0.02, 0.13, 0.07, dark)
    belly = leg + rng.uniform(0.0, 0.08)
    figure.disc(rear + 0.14, (back + belly) / 2, 0.2, (back - belly) / 2 + 0.02, coat)
    figure.polygon(
        [
            (rear + 0.06, back - 0.01),
            (0.0, back - 0.035),
            (front - 0.2, back + 0.02),
            (front - 0.1, belly - 0.02),
            (0.05, belly + 0.05),
            (rear + 0.06, belly + 0.03),
        ],
        coat,
        texture=fur,
    )
    figure.disc(front - 0.14, (back + belly) / 2 - 0.01, 0.19, (back - belly) / 2 + 0.05, coat)
    figure.limb(rear + 0.1, leg + 0.14, rear + 0.08 + swing, 0.0, 0.18, 0.08, coat)
    figure.limb(front - 0.1, leg + 0.14, front - 0.1 - swing, 0.0, 0.15, 0.08, coat)
    lift = rng.uniform(-0.05, 0.25)
    figure.limb(rear + 0.03, back - 0.08, rear - 0.16, back - 0.06 + lift * 0.5, 0.1, 0.07, coat)
    figure.limb(rear - 0.14, back - 0.06 + lift * 0.5, rear - 0.28, back + lift, 0.07, 0.035, coat)
    head_x, head_y = front + 0.13, back + 0.1
    figure.limb(front - 0.16, back - 0.14, head_x, head_y, 0.3, 0.17, coat, texture=fur)
    return head_x, head_y


def _head(figure: Figure, rng: Rng, head_x: float, head_y: float, coat: Color, dark: Color) -> None:
    figure.disc(head_x, head_y, 0.14, 0.13, coat)
    figure.polygon(
        [
            (head_x + 0.06, head_y + 0.07),
            (head_x + 0.28, head_y - 0.01),
            (head_x + 0.27, head_y - 0.1),
            (head_x + 0.02, head_y - 0.12),
        ],
        coat,
    )
    figure.disc(head_x + 0.27, head_y - 0.015, 0.035, 0.032, (20, 18, 18))
    figure.disc(head_x + 0.07, head_y + 0.04, 0.022, 0.024, (16, 14, 14), IMAGE)
    if rng.chance(0.6):
        figure.polygon(
            [
                (head_x - 0.08, head_y + 0.1),
                (head_x + 0.01, head_y + 0.1),
                (head_x - 0.07, head_y - 0.14),
                (head_x - 0.14, head_y - 0.1),
            ],
            dark,
        )
    else:
        figure.polygon(
            [
                (head_x - 0.12, head_y + 0.05),
                (head_x - 0.07, head_y + 0.24),
                (head_x + 0.03, head_y + 0.1),
            ],
            dark,
        )
    if rng.chance(0.4):
        collar = rng.pick(((200, 40, 40), (40, 90, 200), (240, 210, 60)))
        figure.limb(
            head_x - 0.17, head_y - 0.02, head_x - 0.04, head_y - 0.16, 0.05, 0.05, collar, IMAGE
        )


def _sit(figure: Figure, coat: Color, dark: Color, fur: int) -> None:
    figure.limb(-0.3, 0.05, -0.5, 0.12, 0.08, 0.05, coat)
    figure.polygon(
        [
            (-0.32, 0.0),
            (-0.36, 0.2),
            (-0.2, 0.45),
            (0.0, 0.72),
            (0.2, 0.78),
            (0.28, 0.6),
            (0.2, 0.3),
            (0.18, 0.0),
        ],
        coat,
        texture=fur,
    )
    figure.scene.fill(figure.at(np.asarray(disc(-0.16, 0.16, 0.18, 0.17))), dark, figure.thing)
    figure.limb(0.16, 0.5, 0.18, 0.0, 0.14, 0.08, coat)
    figure.limb(-0.2, 0.03, 0.04, 0.03, 0.07, 0.05, coat)
