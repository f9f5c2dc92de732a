"""Kinds of scenes: what each is to show."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.data.streetworld import CLASS_NAMES, Scene
from training.data.streetworld.rng import Rng
from training.data.streetworld.scene import Origin, draft_scene
from training.data.streetworld.street import empty_street, plan_street
from training.data.streetworld.variants import KINDS

ScenesOf = Callable[[str, int], list[Scene]]


def share(scene: Scene, noun: str) -> float:
    """How much of a scene is labelled so."""
    return float((scene.labels_hw == CLASS_NAMES.index(noun)).mean())


def test_held_out_scenes_are_of_their_own_kinds() -> None:
    drafts = [draft_scene(seed, Origin("eval")) for seed in range(150)]
    assert {draft.kind for draft in drafts} == set(KINDS)
    assert {draft.kind for draft in drafts if draft.crop.zoom > 1} == set()


def test_a_town_is_built_up_and_darker_than_its_sky(scenes_of: ScenesOf) -> None:
    built, darker = [], []
    for scene in scenes_of("town", 40):
        sky, building = (scene.labels_hw == CLASS_NAMES.index(n) for n in ("sky", "building"))
        built.append(building.mean())
        if sky.any() and building.any():
            darker.append(scene.image_hw3[sky].mean() - scene.image_hw3[building].mean())
        assert any(part[0] == "road" for part in scene.parts)
    assert np.mean(built) > 0.2
    assert np.median(darker) > 60


def test_a_highstreet_has_the_pavement_beside_the_road_under_it_or_alone(
    scenes_of: ScenesOf,
) -> None:
    """All of the ground is pavement, or none, or a share that differs from street to street."""
    shares, paved_only, road_only = [], 0, 0
    for scene in scenes_of("highstreet", 60):
        road, pavement = share(scene, "road"), share(scene, "pavement")
        shares.append(pavement / max(road + pavement, 1e-9))
        paved_only += road == 0 and pavement > 0
        road_only += pavement < 0.03 * road
    assert 0.3 < np.mean(shares) < 0.6
    assert np.quantile(shares, 0.75) - np.quantile(shares, 0.25) > 0.3
    assert paved_only and road_only


def test_nothing_drives_on_the_pavement_of_a_highstreet(scenes_of: ScenesOf) -> None:
    on_pavement = {"car", "bus", "bicyclist"}
    for scene in scenes_of("highstreet", 60):
        if not share(scene, "road"):
            assert not on_pavement & {part[0] for part in scene.parts}


def test_a_study_shows_one_thing_large(scenes_of: ScenesOf) -> None:
    """The largest thing that is neither ground nor background fills a twentieth of most images."""
    grounds = {"sky", "road", "pavement", "grass", "sand", "water", "building", "tree", "cloud"}
    largest = [
        max((part[2] for part in scene.parts if part[0] not in grounds), default=0.0)
        for scene in scenes_of("study", 30)
    ]
    assert np.median(largest) > 0.05


def test_sunsets_have_the_largest_suns(scenes_of: ScenesOf) -> None:
    sunset, sky = (
        [area for scene in scenes_of(kind, 60) if (area := share(scene, "sun")) > 0]
        for kind in ("sunset", "sky")
    )
    assert len(sunset) > len(sky)
    assert np.mean(sunset) > 2 * np.mean(sky)


def test_an_emptied_street_keeps_or_loses_a_whole_kind() -> None:
    street = plan_street(3, "train")
    before = list(street.actors)
    empty_street(street, Rng(1), 0.0)
    assert street.actors == before
    empty_street(street, Rng(1), 0.5)
    left = {actor.what for actor in street.actors}
    assert left and street.actors == [actor for actor in before if actor.what in left]
    assert len({"parked", "oncoming", "ahead"} & left) in (0, 3)
    empty_street(street, Rng(1), 1.0)
    assert street.actors == []
