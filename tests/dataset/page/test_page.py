"""The page in a real browser: filters, playback, keyboard, accessibility, no network, phones, many clips."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_selenium_python import Axe
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.ui import WebDriverWait

from its_core.dataset.finished_clip import FinishedClip
from its_core.dataset.page import render as page
from its_core.dataset.publish import Published, publish
from tests.dataset import samples

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def paired(work: Path, clips: list[FinishedClip], tmp_path_factory: pytest.TempPathFactory) -> Published:
    """A version in which two clips are a pair, and a clip failed."""
    folder = tmp_path_factory.mktemp("paired")
    pair = [samples.finished(folder / "work", number, samples.truth(), pair_id="pair-1") for number in (4, 8)]
    failed = [samples.failed(folder / "work", 9)]
    return publish([*clips, *pair], samples.dataset(folder), samples.rejected(work), samples.run_of(work), work, failed)


@pytest.fixture
def opened(browser: webdriver.Chrome, paired: Published) -> webdriver.Chrome:
    browser.set_window_size(1200, 900)
    browser.get("about:blank")
    browser.get(f"file://{paired.url}/index.html")
    _until(browser, lambda: browser.execute_script("return document.documentElement.dataset.ready") == "true")
    return browser


def _until(browser: webdriver.Chrome, holds: Callable[[], Any]) -> None:
    WebDriverWait(browser, 30, poll_frequency=0.05).until(lambda _: holds())


def _cards(browser: webdriver.Chrome) -> list[WebElement]:
    return [card for card in browser.find_elements(By.CSS_SELECTOR, ".card") if card.is_displayed()]


def _open(browser: webdriver.Chrome, number: int) -> None:
    _cards(browser)[number].click()
    _until(browser, lambda: browser.find_element(By.ID, "viewer").is_displayed())
    ready = "return [...document.querySelectorAll('video')].every((video) => video.readyState >= 2)"
    _until(browser, lambda: browser.execute_script(ready))


def _frame(browser: webdriver.Chrome) -> int:
    return int(browser.execute_script("return document.querySelector('#screens canvas').dataset.frame"))


def test_it_loads_nothing_but_the_clips_and_complains_of_nothing(opened: webdriver.Chrome) -> None:
    _open(opened, 0)

    fetched = opened.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert all(name.startswith(("file://", "data:")) for name in fetched)
    assert opened.get_log("browser") == []


def test_filters_choose_cards(opened: webdriver.Chrome) -> None:
    assert len(_cards(opened)) == 6
    Select(opened.find_element(By.ID, "filter-split")).select_by_value("val")
    assert opened.find_element(By.ID, "count").text == "1 of 6 clips"
    assert len(_cards(opened)) == 1
    opened.find_element(By.CSS_SELECTOR, "button[type=reset]").click()
    Select(opened.find_element(By.ID, "filter-incident")).select_by_value("normal_traffic")
    assert len(_cards(opened)) == 1
    opened.find_element(By.CSS_SELECTOR, "button[type=reset]").click()
    opened.find_element(By.ID, "search").send_keys("scenario-2")
    assert [card.find_element(By.TAG_NAME, "span").text for card in _cards(opened)] == ["scenario-2"]


def test_a_clip_plays_with_its_boxes(opened: webdriver.Chrome) -> None:
    _open(opened, 0)
    pixels = "document.querySelector('#screens canvas').getContext('2d').getImageData(0, 0, 2000, 2000).data"
    drawn = f"return {pixels}.some((value) => value)"
    assert opened.execute_script(drawn)
    for name in ("boxes", "impact"):
        opened.find_element(By.ID, name).click()
    assert not opened.execute_script(drawn)

    opened.find_element(By.ID, "play").click()

    _until(opened, lambda: opened.execute_script("return document.querySelector('video').ended"))
    _until(opened, lambda: _frame(opened) == samples.GEOMETRY.frames - 1)


def test_the_keyboard_reaches_everything(opened: webdriver.Chrome) -> None:
    body = opened.find_element(By.TAG_NAME, "body")
    _cards(opened)[0].send_keys(Keys.ARROW_RIGHT)
    focused = opened.switch_to.active_element
    assert focused == _cards(opened)[1]
    focused.send_keys(Keys.ENTER)
    _until(opened, lambda: opened.find_element(By.ID, "viewer").is_displayed())
    assert opened.find_element(By.ID, "viewer-title").text.endswith("scenario-1")
    _until(opened, lambda: opened.execute_script("return document.querySelector('video').readyState >= 2"))
    for _ in range(4):
        frame = _frame(opened)
        body.send_keys(".")
        _until(opened, lambda frame=frame: _frame(opened) == frame + 1)
    _until(opened, lambda: "frame 4 of 9" in opened.find_element(By.ID, "clock").text)
    body.send_keys("b")
    _until(opened, lambda: not opened.find_element(By.ID, "boxes").is_selected())
    body.send_keys(Keys.ARROW_RIGHT)
    _until(opened, lambda: opened.find_element(By.ID, "viewer-title").text.endswith("scenario-2"))
    body.send_keys(Keys.ESCAPE)
    _until(opened, lambda: not opened.find_element(By.ID, "viewer").is_displayed())
    _until(opened, lambda: opened.switch_to.active_element == _cards(opened)[2])


def test_pairs_are_side_by_side_in_step(opened: webdriver.Chrome) -> None:
    opened.find_element(By.ID, "search").send_keys("scenario-4")
    _open(opened, 0)
    assert len(opened.find_elements(By.TAG_NAME, "video")) == 2
    for _ in range(3):
        opened.find_element(By.ID, "forward").click()
    times = "return [...document.querySelectorAll('video')].map((video) => video.currentTime)"
    first, second = opened.execute_script(times)
    assert first == second > 0


def test_labels_lineage_and_what_was_not_made_are_there(opened: webdriver.Chrome) -> None:
    _open(opened, 0)
    details = opened.find_element(By.ID, "details").text
    assert "A static CCTV camera shows a highway." in details
    assert "accident_frame 4 simulated" in details
    assert "timed_out took longer than 900 s" in details
    timeline = opened.find_element(By.ID, "timeline").get_attribute("aria-label")
    assert timeline == "anomaly: frames 2 to 7"
    missing = opened.execute_script("return document.getElementById('missing').textContent")
    assert "no such weather" in missing and "frozen" in missing


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("with_viewer", [False, True])
def test_accessibility(opened: webdriver.Chrome, scheme: str, with_viewer: bool) -> None:
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    if with_viewer:
        _open(opened, 0)
    axe = Axe(opened)
    axe.inject()

    found = axe.run()

    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]] == []


def test_a_phone_scrolls_in_one_direction_only(opened: webdriver.Chrome) -> None:
    metrics = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        assert opened.execute_script("return document.documentElement.scrollWidth") <= 360
        _open(opened, 0)
        assert opened.execute_script("return document.getElementById('viewer').scrollWidth") <= 360
    finally:
        opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_thousand_clips(browser: webdriver.Chrome, clips: list[FinishedClip], tmp_path: Path) -> None:
    content = samples.content_of(1000)
    many = (clips[number % 4] for number in range(1000))
    (tmp_path / "index.html").write_text(page.render(samples.dataset(tmp_path), content, many, [], []))

    browser.get(f"file://{tmp_path}/index.html")
    _until(browser, lambda: browser.execute_script("return document.documentElement.dataset.ready") == "true")
    Select(browser.find_element(By.ID, "filter-split")).select_by_value("test")

    assert browser.find_element(By.ID, "count").text == "250 of 1000 clips"
