"""The page in a real browser, with streams behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from runtime import Model
from tests.support.browser import open_browser
from tests.support.live_page import TOKEN, Serving, serve_streams
from tests.support.streams import wait_until

pytestmark = pytest.mark.slow

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_browser() as browser:
        yield browser


@pytest.fixture
def serving(page_model: Model) -> Iterator[Serving]:
    with serve_streams(page_model, {"yard": "sky,tree,car", "gate": "car,road"}) as serving:
        yield serving


@pytest.fixture
def open_page(browser: Any, serving: Serving) -> Iterator[Open]:
    """Open the page; the test fails at any error of its scripts and any word in its console."""
    contexts: list[Any] = []
    complaints: list[str] = []

    def open_it(width: int = 1280, height: int = 900, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(serving.url)
        for name in serving.streams:
            page.wait_for_selector(f"[data-stream={name}] .waiting[hidden]", state="attached")
        return page

    open_it.complaints = complaints  # type: ignore[attr-defined]
    yield open_it
    for context in contexts:
        context.close()
    # A refused request is shown on the page; the browser notes it by itself.
    assert [one for one in complaints if "Failed to load resource" not in one] == []


def picture_of(page: Any, name: str) -> str:
    return page.eval_on_selector(f"[data-stream={name}] canvas", "canvas => canvas.toDataURL()")


def names_of(page: Any) -> list[str]:
    chips = page.locator("#chips .chip")
    return [chips.nth(at).get_attribute("data-class") for at in range(chips.count())]


def test_tiles_show_moving_pictures_and_states(open_page: Open) -> None:
    page = open_page()
    first = picture_of(page, "yard")
    wait_until(lambda: picture_of(page, "yard") != first)
    assert page.locator(".tile").count() == 2
    assert page.locator("[data-stream=yard] .badge").inner_text() == "live"
    assert page.locator("#connection").inner_text() == "connected"
    page.wait_for_selector("#chart svg polyline")
    assert "milliseconds" in page.locator("#chart svg").get_attribute("aria-label")


def test_classes_are_added_refused_removed_recolored_and_grouped(
    open_page: Open, serving: Serving
) -> None:
    page, stream = open_page(), serving.streams["yard"]
    page.fill("#add-word", "roa")
    page.wait_for_selector("#known option[value=road]", state="attached")
    page.fill("#add-word", "road")
    page.press("#add-word", "Enter")
    page.wait_for_selector("#chips [data-class=road]")
    assert stream.segmenter.class_names == ("sky", "tree", "car", "road")
    page.fill("#add-word", "treees")
    page.click("#add button")
    page.wait_for_selector("#words-error:visible")
    assert "unknown to this model" in page.inner_text("#words-error")
    assert names_of(page) == ["sky", "tree", "car", "road"]
    page.focus("[aria-label='Remove tree']")
    page.keyboard.press("Enter")
    page.wait_for_selector("#chips [data-class=tree]", state="detached")
    assert page.evaluate("document.activeElement.ariaLabel") == "Remove car"
    page.locator("[aria-label='Color of car']").evaluate(
        "input => { input.value = '#123456'; input.dispatchEvent(new Event('change')); }"
    )
    wait_until(lambda: stream.style.colors.get("car") == (0x12, 0x34, 0x56))
    for name in ("car", "road"):
        page.click(f"[data-class={name}] .name")
    page.fill("#group-name", "ground")
    page.click("#group-join")
    page.wait_for_selector("#chips [data-class=ground]")
    assert [str(one) for one in stream.segmenter.classes.asked] == ["sky", "ground=car|road"]
    page.click("[data-class=ground] .name")
    page.click("#group-split")
    page.wait_for_selector("#chips [data-class=road]")
    assert stream.segmenter.class_names == ("sky", "car", "road")


def test_a_suggested_word_is_taken_with_a_click(open_page: Open, serving: Serving) -> None:
    page = open_page()
    page.fill("#add-word", "rod")
    page.click("#add button")
    page.click("#words-error button:text-is('road')")
    page.wait_for_selector("#chips [data-class=road]")
    assert page.is_hidden("#words-error")


def test_sliders_change_threshold_and_opacity(open_page: Open, serving: Serving) -> None:
    page, stream = open_page(), serving.streams["gate"]
    page.click("[data-stream=gate] h2 button")
    page.focus("#threshold")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    wait_until(lambda: stream.segmenter.threshold == pytest.approx(0.03))
    page.fill("#opacity", "1")
    wait_until(lambda: stream.style.opacity == 1.0)
    assert serving.streams["yard"].segmenter.threshold == 0.0
    assert page.inner_text("output[for=threshold]") == "3 %"


def test_views_and_the_word_of_one(open_page: Open) -> None:
    page = open_page()
    view = page.locator("[data-stream=yard] select").first
    pictures = {picture_of(page, "yard")}
    for kind in ("masks", "units", "similarity", "picture"):
        before = picture_of(page, "yard")
        view.select_option(kind)
        assert page.locator("[aria-label=Word]").first.is_visible() is (kind == "similarity")
        wait_until(lambda before=before: picture_of(page, "yard") != before)
        pictures.add(picture_of(page, "yard"))
    assert len(pictures) == 5


def test_a_pixel_by_mouse_and_by_keyboard(open_page: Open) -> None:
    page = open_page()
    stage = page.locator("[data-stream=yard] .stage")
    box = stage.bounding_box()
    stage.click(position={"x": box["width"] * 0.5, "y": box["height"] * 0.1})
    page.wait_for_selector("#pixel strong:text-is('sky')")
    assert page.locator("[data-stream=yard] svg .unit").count() == 1
    assert page.locator("#pixel .bars .figure").count() == 3
    stage.focus()
    for _ in range(9):
        page.keyboard.press("Shift+ArrowDown")
    for _ in range(5):
        page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Enter")
    page.wait_for_selector("#pixel strong:text-is('tree')")
    page.keyboard.press("Escape")
    page.wait_for_selector("[data-stream=yard] svg .unit", state="detached")


def test_a_zone_is_drawn_kept_and_deleted(open_page: Open, serving: Serving) -> None:
    page = open_page()
    page.fill("#zone-name", "drive")
    page.click("#zone-draw")
    stage = page.locator("[data-stream=yard] .stage")
    box = stage.bounding_box()
    for x, y in ((0.1, 0.6), (0.9, 0.6)):
        stage.click(position={"x": box["width"] * x, "y": box["height"] * y})
    page.click("#zone-draw")
    assert "three corners or more" in page.inner_text("#zone-hint")
    stage.click(position={"x": box["width"] * 0.5, "y": box["height"] * 0.95})
    page.click("#zone-draw")
    page.wait_for_selector("#zones li:has-text('drive')")
    other = open_page()
    other.wait_for_selector("#zones li:has-text('drive')")
    corners = other.request.get(f"{serving.url}api/streams/yard/zones").json()["zones"][0]["points"]
    assert corners == [pytest.approx(c, abs=0.01) for c in ([0.1, 0.6], [0.9, 0.6], [0.5, 0.95])]
    other.click("[aria-label='Delete zone drive']")
    page.wait_for_selector("#zones li", state="detached")  # the first page hears of it


def test_events_come_with_what_was_seen(open_page: Open, serving: Serving) -> None:
    page = open_page()
    serving.streams["gate"].tell("alert", "person in <b>gate</b>")
    page.wait_for_selector("#events li:has-text('person in <b>gate</b>') img")
    wait_until(lambda: page.eval_on_selector("#events img", "image => image.naturalWidth") > 0)
    page.click("#events .shot")
    page.wait_for_selector("#large img:visible")


def test_a_clip_is_saved(open_page: Open) -> None:
    page = open_page()
    with page.expect_download() as saved:
        page.click("[data-stream=yard] button:text-is('Save clip')")
    assert saved.value.suggested_filename == "yard.mp4"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_phones_and_dark_rooms(open_page: Open, width: int, scheme: str) -> None:
    page = open_page(width, 740, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ground, text = (
        [int(level) for level in page.evaluate(f"getComputedStyle(document.body).{name}")
         .partition("(")[2].strip(")").split(",")[:3]]
        for name in ("backgroundColor", "color")
    )  # fmt: skip
    assert (sum(ground) < sum(text)) is (scheme == "dark")
    assert abs(sum(ground) - sum(text)) > 400
    unnamed = page.evaluate(
        """[...document.querySelectorAll('button, select, input, a')].filter((one) =>
           one.checkVisibility() && !one.labels?.length && !one.ariaLabel
           && !one.textContent.trim()).map((one) => one.outerHTML)"""
    )
    assert unnamed == []


def test_everything_can_be_reached_by_tab(open_page: Open) -> None:
    page = open_page()
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.className"))
    assert reached >= {"stage", "add-word", "opacity", "threshold", "zone-name", "zone-draw"}


def test_the_token_opens_the_page_from_its_address_or_a_form(
    browser: Any, page_model: Model
) -> None:
    with serve_streams(page_model, {"yard": "sky,tree"}, token=TOKEN) as serving:
        page = browser.new_context().new_page()
        page.goto(f"{serving.url}#token={TOKEN}")
        page.wait_for_selector(".tile")
        assert TOKEN not in page.url and page.evaluate("document.cookie") == ""
        page.context.close()
        page = browser.new_context().new_page()
        page.goto(serving.url)
        page.fill("#token", "wrong-one")
        page.click("#login-form button")
        page.wait_for_selector("#login-error:visible")
        page.fill("#token", TOKEN)
        page.keyboard.press("Enter")
        page.wait_for_selector(".tile")
        page.reload()
        page.wait_for_selector(".tile")  # the cookie keeps it open
        page.context.close()


def test_the_page_comes_back_with_the_server(browser: Any, page_model: Model) -> None:
    page = browser.new_context().new_page()
    with serve_streams(page_model, {"yard": "sky,tree"}) as serving:
        page.goto(serving.url)
        page.wait_for_selector(".tile")
    page.wait_for_selector("#connection:text-is('reconnecting')")
    with serve_streams(page_model, {"yard": "sky,tree"}, port=serving.port):
        page.wait_for_selector("#connection:text-is('connected')")
        before = picture_of(page, "yard")
        wait_until(lambda: picture_of(page, "yard") != before)
    page.context.close()
