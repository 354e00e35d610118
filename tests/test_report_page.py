"""The report in a real browser: by mouse and by keyboard, on a phone, in the dark and on paper; it asks for nothing."""

import json
from pathlib import Path

import numpy as np
import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

from tests.test_report import PIXEL, TEXTS, write

CHROMIUM, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
OPTIONS = (
    "headless", "no-sandbox", "disable-gpu", "no-first-run", "disable-background-networking",
    "disable-component-update", "disable-sync", "disable-quic",
)  # fmt: skip
COUNT = 120
LABELS = ("anger", "joy", "neutral", "pride", "relief", "remorse", "sadness")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM.exists() and DRIVER.exists()), reason="no browser: apt-get install chromium chromium-driver"
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for option in (*OPTIONS, f"user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(f"--{option}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(executable_path=str(DRIVER)))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> str:
    """A report of 120 comments; comment k has the label k % 3, every fourth is given label 0, and k says how surely."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "figure.png").write_bytes(PIXEL)
    labels = np.eye(7, dtype=int)[np.arange(COUNT) % 3]
    given = np.where((np.arange(COUNT) % 4 == 0)[:, None], np.eye(7, dtype=int)[0], labels)
    texts = [f"{TEXTS[k % len(TEXTS)]} {'long' * 40}" for k in range(COUNT)]
    return write(
        folder / "report.html",
        label_names=LABELS,
        ids=np.array([f"c{k}" for k in range(COUNT)], object),
        texts=np.array(texts, object),
        labels=labels,
        probabilities=np.where(given, 0.7 + np.arange(COUNT)[:, None] / 1000, 0.1),
        thresholds=np.arange(3, 10) / 20 + 0.15,
        figures=[(folder / "figure.png", "a figure")],
    ).as_uri()


@pytest.fixture
def page(browser, address):
    """The browser with the report just opened, 1200 pixels wide."""
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
    resize(browser, 1200)
    browser.get(address)
    return browser


def resize(page, width: int) -> None:
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def status(page) -> str:
    return page.find_element(By.ID, "status").text


def ids(page) -> list[int]:
    shown = page.execute_script("return [...document.querySelectorAll('#list .id')].map((id) => id.textContent)")
    return [int(name.removeprefix("c")) for name in shown]


def press(page, *keys: str) -> None:
    ActionChains(page).send_keys(*keys).perform()


def labels_in_table(page) -> list[str]:
    return [head.text for head in page.find_elements(By.CSS_SELECTOR, "#label-table tbody th")]


def test_text_is_shown_as_it_is_and_runs_nothing(page):
    texts = page.execute_script("return [...document.querySelectorAll('#list .text')].map((text) => text.textContent)")
    assert [text.split(" long")[0] for text in texts[: len(TEXTS)]] == TEXTS
    assert page.title == "Emotions: how good is the model?"
    assert not page.find_elements(By.CSS_SELECTOR, "#list script, #list img")


def test_only_the_file_itself_is_asked_for(page, address):
    for log in ("performance", "browser"):
        page.get_log(log)  # which empties it
    page.get(address)
    page.find_element(By.ID, "more").click()
    events = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    asked = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    assert address in asked
    assert [url for url in asked if url != address and not url.startswith("data:image/png")] == []
    assert page.get_log("browser") == []  # no error, and nothing that the policy had to refuse
    # That the policy holds: a picture from elsewhere is refused without being asked for.
    page.execute_script("document.body.append(Object.assign(new Image(), {src: 'http://127.0.0.1:9/x.png'}))")
    assert "Content Security Policy" in page.get_log("browser")[0]["message"]


def test_filters_by_mouse(page):
    assert status(page) == "120 of 120 comments, the first 50 shown"
    Select(page.find_element(By.ID, "true")).select_by_visible_text("joy")
    assert status(page) == "40 of 120 comments" and ids(page) == list(range(1, COUNT, 3))
    Select(page.find_element(By.ID, "predicted")).select_by_visible_text("anger")
    assert ids(page) == list(range(4, COUNT, 12))
    Select(page.find_element(By.ID, "outcome")).select_by_visible_text("right")
    assert status(page) == "0 of 120 comments" and ids(page) == []
    page.find_element(By.CSS_SELECTOR, "#filters [type=reset]").click()
    page.execute_async_script("setTimeout(arguments[0])")
    assert status(page) == "120 of 120 comments, the first 50 shown"
    Select(page.find_element(By.ID, "true")).select_by_visible_text("no label")
    assert status(page) == "0 of 120 comments"


def test_filters_and_more_by_keyboard(page):
    for _ in range(30):
        press(page, Keys.TAB)
        if page.switch_to.active_element.get_attribute("id") == "outcome":
            break
    press(page, "w")
    assert ids(page) == [k for k in range(COUNT) if k % 4 == 0 and k % 3]
    press(page, Keys.TAB, Keys.BACKSPACE, "0.75")
    assert page.switch_to.active_element.get_attribute("id") == "from"
    assert ids(page) == [k for k in range(50, COUNT) if k % 4 == 0 and k % 3]
    press(page, Keys.TAB, Keys.TAB, "m")
    assert ids(page) == [k for k in reversed(range(50, COUNT)) if k % 4 == 0 and k % 3]
    press(page, Keys.TAB, Keys.ENTER)
    page.execute_async_script("setTimeout(arguments[0])")
    assert len(ids(page)) == 50
    for shown in (100, 120):
        page.execute_script("document.getElementById('more').focus()")
        press(page, Keys.ENTER)
        assert ids(page) == list(range(shown))
        # The focus goes on where the new comments begin.
        assert f"c{shown - (50 if shown == 100 else 20)}\n" in page.switch_to.active_element.text
    assert not page.find_element(By.ID, "more").is_displayed()


def test_a_comment_shows_its_probabilities_and_thresholds(page):
    wrong = page.find_element(By.CSS_SELECTOR, "#list > li:nth-child(5)")  # joy, given anger
    rows = [row.text.split("\n") for row in wrong.find_elements(By.CSS_SELECTOR, ".bars li")]
    assert [row[0] for row in rows] == list(LABELS[:5])
    assert "✗ not true" in rows[0][-1] and "✗ missed" in rows[1][-1]
    track = wrong.find_element(By.CSS_SELECTOR, ".track")
    fill, mark = (track.find_element(By.CSS_SELECTOR, name).rect for name in (".fill", ".mark"))
    assert fill["width"] == pytest.approx(0.704 * track.rect["width"], abs=1)
    assert mark["x"] + 1 - track.rect["x"] == pytest.approx(0.3 * track.rect["width"], abs=1)


def test_the_table_is_sorted_by_buttons(page):
    first, *_, last = page.find_elements(By.CSS_SELECTOR, "#label-table thead th")
    assert [head.get_attribute("aria-sort") for head in (first, last)] == ["none", "none"]
    last.find_element(By.TAG_NAME, "button").click()
    assert labels_in_table(page) == list(reversed(LABELS))  # their thresholds rise
    assert [head.get_attribute("aria-sort") for head in (first, last)] == ["none", "descending"]
    press(page, Keys.ENTER)
    assert labels_in_table(page) == list(LABELS) and last.get_attribute("aria-sort") == "ascending"
    page.execute_script("arguments[0].focus()", first.find_element(By.TAG_NAME, "button"))
    press(page, Keys.SPACE, Keys.SPACE)
    assert labels_in_table(page) == sorted(LABELS, reverse=True)
    assert [head.get_attribute("aria-sort") for head in (first, last)] == ["descending", "none"]


def test_everything_that_takes_the_keyboard_shows_it_and_has_a_name(page):
    seen = set()
    for _ in range(25):
        press(page, Keys.TAB)
        element = page.switch_to.active_element
        style = page.execute_script("const s = getComputedStyle(arguments[0]); return [s.outlineStyle, s.outlineWidth]",
                                    element)  # fmt: skip
        assert style[0] != "none" and style[1] != "0px", element.get_attribute("outerHTML")[:200]
        assert element.accessible_name, element.get_attribute("outerHTML")[:200]
        seen.add(element.get_attribute("id"))
    assert {"true", "predicted", "outcome", "from", "to", "order"} <= seen


@pytest.mark.parametrize("width", [360, 1200])
def test_the_page_does_not_scroll_sideways(page, width):
    resize(page, width)
    page.execute_script("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    assert page.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    assert page.execute_script("scrollTo(500, 0); return scrollX") == 0


def test_colours_follow_the_scheme_and_have_contrast(page):
    grounds = []
    for scheme in ("light", "dark"):
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        grounds.append(luminance(page, "body", "backgroundColor"))
        for text in ("body", ".lead", ".explanation", "nav a", "#status", ".verdict", ".outcome.wrong", ".head .id"):
            dark, light = sorted([grounds[-1], luminance(page, text, "color")])
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (scheme, text)  # WCAG 2.2, 1.4.3
    assert grounds[0] > 0.9 and grounds[1] < 0.1


def luminance(page, selector: str, name: str) -> float:
    """Return the relative luminance of a colour, as WCAG 2.2 defines it."""
    script = "return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]].match(/[\\d.]+/g).map(Number)"
    channels = np.array(page.execute_script(script, selector, name)[:3]) / 255
    return float(
        np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]
    )


def test_paper_has_no_controls_and_is_white(page):
    dark = [{"name": "prefers-color-scheme", "value": "dark"}]
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": dark})
    assert luminance(page, "body", "backgroundColor") == 1
    for hidden in ("nav", "#filters", "#more", ".comments summary"):
        assert not page.find_element(By.CSS_SELECTOR, hidden).is_displayed(), hidden
    for shown in ("h1", ".value", "#label-table", "#list .text", "#list .fill"):
        assert page.find_element(By.CSS_SELECTOR, shown).is_displayed(), shown


def test_without_javascript_a_sentence_says_what_is_missing(page, address):
    page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        page.get(address)
        assert "need JavaScript" in page.find_element(By.TAG_NAME, "noscript").text
        assert not page.find_element(By.ID, "filters").is_displayed()
        assert page.find_element(By.ID, "label-table").is_displayed()
    finally:
        page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
