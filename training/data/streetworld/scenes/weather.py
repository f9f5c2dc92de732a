"""Time of day and weather: what the sky is like and what the light does to the picture."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..drawing import DisplayList
from ..objects.heaven import sky_colour
from ..palette import Colour
from ..randomness import Dice


@dataclass
class Weather:
    """The light of a scene: everything that happens between the paint and the photograph."""

    time: str = "day"  # day, overcast, dusk, night, fog
    sky: str = "blue"
    tint: Colour = (1.0, 1.0, 1.0)  # factor per channel
    gain: float = 1.0
    gamma: float = 1.0
    contrast: float = 1.0
    saturation: float = 1.0
    patches: list[float] = field(default_factory=list)  # 4 x 3 brightness of the light's patches
    blur: float = 0.0  # frame heights
    motion: tuple[float, float] = (0.0, 0.0)  # frame heights, radians
    noise: float = 0.0  # share of the sensor tile's deviation
    noise_at: tuple[float, float] = (0.0, 0.0)
    jpeg: int = 0  # quality, 0 = not compressed

    @property
    def dark(self) -> bool:
        """Whether lamps are lit."""
        return self.time == "night"


_SKY_WORDS = {
    "day": {"blue": 6.0, "white": 2.0},
    "overcast": {"grey": 3.0, "white": 3.0},
    "dusk": {"orange": 3.0, "pink": 1.5, "grey": 0.7},
    "night": {"dark": 1.0},
    "fog": {"white": 1.0, "grey": 1.0},
}


def draw_weather(dice: Dice, scene: DisplayList) -> Weather:
    """Chooses a scene's weather and camera faults, and sets its haze."""
    time = dice.weighted({"day": 5.2, "overcast": 2.2, "dusk": 0.9, "night": 1.0, "fog": 0.7})
    weather = Weather(time=time, sky=dice.weighted(_SKY_WORDS[time]))
    warm = dice.bell(0.0, 0.05)
    tint = [1 + warm, 1 + dice.bell(0, 0.02), 1 - warm]
    weather.gain = dice.uniform(0.72, 1.2)
    if time == "night":
        level = dice.uniform(0.3, 0.55)
        tint = [tint[0] * level * 0.9, tint[1] * level * 0.95, tint[2] * level * 1.2]
    elif time == "dusk":
        level = dice.uniform(0.6, 0.9)
        tint = [tint[0] * level * 1.12, tint[1] * level * 0.93, tint[2] * level * 0.92]
    weather.tint = (tint[0], tint[1], tint[2])
    weather.gamma = dice.uniform(0.8, 1.3)
    weather.contrast = dice.uniform(0.8, 1.25) * (0.8 if time == "fog" else 1.0)
    weather.saturation = dice.uniform(0.55, 1.15)
    rough = dice.uniform(0.02, 0.28)
    weather.patches = [1.0 + rough * dice.uniform(-1, 0.7) for _ in range(12)]
    scene.haze_colour = sky_colour(weather.sky)
    scene.haze_per_metre = dice.uniform(0.03, 0.09) if time == "fog" else dice.uniform(0.0, 0.009)
    weather.blur = dice.uniform(0.0, 0.011) if dice.chance(0.45) else 0.0
    if dice.chance(0.12):
        weather.motion = (dice.uniform(0.015, 0.045), dice.uniform(-0.5, 0.5))
    weather.noise = dice.uniform(0.05, 0.9 if time == "night" else 0.5)
    weather.noise_at = (dice.roll(), dice.roll())
    if dice.chance(0.4):
        weather.jpeg = dice.integer(25, 90)
    return weather
