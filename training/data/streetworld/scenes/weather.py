"""Time of day and weather: what the sky is like and what the light does to the picture."""

from __future__ import annotations

from dataclasses import dataclass, field

from training.data.streetworld.drawing import DisplayList
from training.data.streetworld.objects.sky import sky_color
from training.data.streetworld.palette import Color
from training.data.streetworld.rng import Rng

PIVOT = 0.45
"""The level of the picture (of 1) that a change of contrast leaves as it is."""


@dataclass
class Weather:
    """The light of a scene: everything that happens between the paint and the picture."""

    time: str = "day"  # day, overcast, dusk, night, fog
    sky: str = "blue"
    tint: Color = (1.0, 1.0, 1.0)  # factor per channel
    gain: float = 1.0
    shaded: float = 1.0  # brightness of the land under the sky
    gamma: float = 1.0
    contrast: float = 1.0
    saturation: float = 1.0
    patches: list[float] = field(default_factory=list)  # 4 x 3 brightness of the light's patches
    blur: float = 0.0  # image heights
    motion: tuple[float, float] = (0.0, 0.0)  # image heights, radians
    noise: int = 0  # deviation of the sensor's noise, grey levels
    noise_at: tuple[float, float] = (0.0, 0.0)
    jpeg: int = 0  # quality, 0 = not compressed

    @property
    def dark(self) -> bool:
        """Whether lamps are lit."""
        return self.time == "night"

    def spare_the_brightest(self) -> None:
        """Lower the gain until white paint is not cut off, as a camera does that meters for a sun.

        Without it a sun in a bright sky is a disc of the same white as all around it, which nobody
        can see. A picture that cuts nothing off stays as it is.
        """
        whitest = min(1.0, (1.0 - PIVOT) / self.contrast + PIVOT)
        self.gain = min(self.gain, whitest ** (1.0 / self.gamma) / max(self.tint))


_SKY_WORDS = {
    "day": {"blue": 6.0, "white": 2.0},
    "overcast": {"grey": 3.0, "white": 3.0},
    "dusk": {"orange": 3.0, "pink": 1.5, "grey": 0.7},
    "night": {"dark": 1.0},
    "fog": {"white": 1.0, "grey": 1.0},
}


def draw_weather(rng: Rng, scene: DisplayList) -> Weather:
    """Chooses a scene's weather and camera faults, and sets its haze."""
    time = rng.weighted({"day": 5.2, "overcast": 2.2, "dusk": 0.9, "night": 1.0, "fog": 0.7})
    weather = Weather(time=time, sky=rng.weighted(_SKY_WORDS[time]))
    _draw_tint(rng, weather)
    weather.gamma = rng.uniform(0.75, 1.0) if time == "night" else rng.uniform(0.8, 1.25)
    weather.contrast = rng.uniform(0.8, 1.2) * (0.85 if time in ("fog", "night") else 1.0)
    if time == "day" and rng.chance(0.35):
        weather.shaded = rng.uniform(0.5, 0.9)
        weather.gain, weather.gamma = rng.uniform(1.0, 1.3), rng.uniform(0.8, 1.05)
    weather.saturation = rng.uniform(0.45, 1.1)
    rough = rng.uniform(0.02, 0.25)
    weather.patches = [1.0 + rough * rng.uniform(-1, 0.7) for _ in range(12)]
    scene.haze_color = sky_color(weather.sky)
    scene.haze_per_metre = rng.uniform(0.03, 0.09) if time == "fog" else rng.uniform(0.0, 0.009)
    weather.blur = rng.uniform(0.0, 0.009) if rng.chance(0.45) else 0.0
    if rng.chance(0.12):
        weather.motion = (rng.uniform(0.015, 0.04), rng.uniform(-0.5, 0.5))
    weather.noise = rng.integer(0, 6) if rng.chance(0.8) else rng.integer(5, 11)
    weather.noise_at = (rng.random(), rng.random())
    if rng.chance(0.4):
        weather.jpeg = rng.integer(25, 90)
    return weather


def _draw_tint(rng: Rng, weather: Weather) -> None:
    """The light's color and strength."""
    warm = rng.bell(0.0, 0.05)
    tint = [1 + warm, 1 + rng.bell(0, 0.02), 1 - warm]
    weather.gain = rng.uniform(0.8, 1.25)
    if weather.time == "night":
        level = rng.uniform(0.42, 0.7)
        tint = [tint[0] * level * 0.9, tint[1] * level * 0.95, tint[2] * level * 1.2]
    elif weather.time == "dusk":
        level = rng.uniform(0.6, 0.9)
        tint = [tint[0] * level * 1.12, tint[1] * level * 0.93, tint[2] * level * 0.92]
    weather.tint = (tint[0], tint[1], tint[2])
