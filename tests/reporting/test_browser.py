"""The page in a real browser: by mouse and by keyboard, on a phone, in dark mode and on paper, without any request."""

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

from tests.reporting.conftest import TEXTS, write_page

CHROMIUM, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
OPTIONS = "headless no-sandbox disable-gpu no-first-run disable-background-networking disable-component-update"
COUNT = 120
LABELS = ("anger", "joy", "neutral", "pride", "relief", "remorse", "sadness")
pytestmark = pytest.mark.skipif(not DRIVER.exists(), reason="no browser: apt-get install chromium chromium-driver")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for option in (*OPTIONS.split(), f"user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(f"--{option}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(executable_path=str(DRIVER)))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> str:
    """A page of 120 comments: k has label k % 3; label 0 is predicted for every fourth; k decides the probability."""
    numbers, one_hot = np.arange(COUNT), np.eye(7, dtype=int)
    labels, predicted = one_hot[numbers % 3], one_hot[np.where(numbers % 4, numbers % 3, 0)]
    return write_page(
        tmp_path_factory.mktemp("report") / "report.html",
        names=LABELS,
        texts=[f"{TEXTS[k % len(TEXTS)]} {'long' * 40}" for k in range(COUNT)],
        labels=labels,
        probabilities=np.where(predicted, 0.7 + numbers[:, None] / 1000, 0.1),
        limits=np.arange(3, 10) / 20 + 0.15,
    ).as_uri()


@pytest.fixture
def page(browser, address):
    """The browser with the page just opened, 1200 pixels wide."""
    emulate(browser)
    browser.get(address)
    return browser


def emulate(page, width: int = 1200, kind: str = "", scheme: str = "light") -> None:
    media = {"media": kind, "features": [{"name": "prefers-color-scheme", "value": scheme}]}
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def shown(page) -> list[int]:
    """Return the numbers of the comments in the list, after checking the line that counts them."""
    names = page.execute_script("return [...document.querySelectorAll('#list .id')].map((id) => id.textContent)")
    found, rest = page.find_element(By.ID, "status").text.split(f" of {COUNT} comments")
    assert rest == (f", the first {len(names)} shown" if len(names) < int(found) else "")
    return [int(name.removeprefix("c")) for name in names]


def choose(page, field: str, option: str) -> list[int]:
    Select(page.find_element(By.ID, field)).select_by_visible_text(option)
    return shown(page)


def press(page, *keys: str) -> None:
    ActionChains(page).send_keys(*keys).perform()
    page.execute_async_script("setTimeout(arguments[0])")


def test_text_is_shown_unchanged_and_runs_nothing(page):
    texts = page.execute_script("return [...document.querySelectorAll('#list .text')].map((text) => text.textContent)")
    assert [text.split(" long")[0] for text in texts[: len(TEXTS)]] == TEXTS
    assert page.title == "Emotions: how good is the model?"


def test_only_the_file_itself_is_requested(page, address):
    for log in ("performance", "browser"):
        page.get_log(log)  # which empties it
    page.get(address)
    page.find_element(By.ID, "more").click()
    events = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    urls = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    assert {url for url in urls if not url.startswith("data:image/png")} == {address}
    assert page.get_log("browser") == []  # no error, and nothing that the policy had to block
    page.execute_script("document.body.append(Object.assign(new Image(), {src: 'http://127.0.0.1:9/x.png'}))")
    assert "Content Security Policy" in page.get_log("browser")[0]["message"]


def test_filters_by_mouse(page):
    assert shown(page) == list(range(50))
    assert choose(page, "true", "joy") == list(range(1, COUNT, 3))
    assert choose(page, "predicted", "anger") == list(range(4, COUNT, 12))
    assert choose(page, "outcome", "correct") == []
    page.find_element(By.CSS_SELECTOR, "#filters [type=reset]").click()
    press(page)
    assert shown(page) == list(range(50))
    assert choose(page, "true", "no label") == []


def test_filters_and_more_by_keyboard(page):
    page.execute_script("document.getElementById('outcome').focus()")
    press(page, "w")
    assert shown(page) == [k for k in range(COUNT) if k % 4 == 0 and k % 3]
    press(page, Keys.TAB, Keys.BACKSPACE, "0.75", Keys.TAB, Keys.TAB, "m")
    assert shown(page) == [k for k in reversed(range(50, COUNT)) if k % 4 == 0 and k % 3]
    press(page, Keys.TAB, Keys.ENTER)
    for before, after in ((50, 100), (100, 120)):
        page.execute_script("document.getElementById('more').focus()")
        press(page, Keys.ENTER)
        assert shown(page) == list(range(after))
        assert f"c{before}\n" in page.switch_to.active_element.text  # the first of the new ones
    assert not page.find_element(By.ID, "more").is_displayed()


def test_a_comment_shows_its_probabilities_and_thresholds(page):
    wrong = page.find_element(By.CSS_SELECTOR, "#list > li:nth-child(5)")  # joy, predicted anger
    rows = [row.text.split("\n") for row in wrong.find_elements(By.CSS_SELECTOR, ".bars li")]
    assert [row[0] for row in rows] == list(LABELS[:5])
    assert "✗ wrong" in rows[0][-1] and "✗ missed" in rows[1][-1]
    track = wrong.find_element(By.CSS_SELECTOR, ".track")
    fill, mark = (track.find_element(By.CSS_SELECTOR, name).rect for name in (".fill", ".mark"))
    assert fill["width"] == pytest.approx(0.704 * track.rect["width"], abs=1)
    assert mark["x"] + 1 - track.rect["x"] == pytest.approx(0.3 * track.rect["width"], abs=1)


def test_buttons_sort_the_table(page):
    def state():
        labels = [head.text for head in page.find_elements(By.CSS_SELECTOR, "#label-table tbody th")]
        return labels, [head.get_attribute("aria-sort") for head in (first, last)]

    first, *_, last = page.find_elements(By.CSS_SELECTOR, "#label-table thead th")
    last.find_element(By.TAG_NAME, "button").click()  # thresholds rise from label to label
    assert state() == (list(reversed(LABELS)), ["none", "descending"])
    press(page, Keys.ENTER)
    assert state() == (list(LABELS), ["none", "ascending"])
    first.find_element(By.TAG_NAME, "button").click()
    assert state() == (sorted(LABELS), ["ascending", "none"])


def test_the_keyboard_reaches_every_control_and_its_focus_is_visible(page):
    seen, style = set(), "const {outlineStyle, outlineWidth} = getComputedStyle(arguments[0])"
    for _ in range(25):
        press(page, Keys.TAB)
        element = page.switch_to.active_element
        outlined = page.execute_script(f"{style}; return outlineStyle !== 'none' && outlineWidth !== '0px'", element)
        assert outlined and element.accessible_name, element.get_attribute("outerHTML")
        seen.add(element.get_attribute("id"))
    assert {"true", "predicted", "outcome", "from", "to", "order"} <= seen


def test_the_page_does_not_scroll_sideways(page):
    page.execute_script("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    script = "scrollTo(500, 0); return document.documentElement.scrollWidth <= innerWidth && scrollX === 0"
    for width in (1200, 360):
        emulate(page, width)
        assert page.execute_script(script), width


@pytest.mark.parametrize(("kind", "scheme", "ground"), [("", "light", 1), ("", "dark", 0.008), ("print", "dark", 1)])
def test_colours_have_contrast_on_screen_and_on_paper(page, kind, scheme, ground):
    emulate(page, kind=kind, scheme=scheme)
    assert luminance(page, "body", "backgroundColor") == pytest.approx(ground, abs=1e-3)
    for text in ("body", ".lead", ".explanation", "#status", ".verdict", ".outcome.wrong", ".head .id"):
        dark, light = sorted([ground, luminance(page, text, "color")])
        assert (light + 0.05) / (dark + 0.05) >= 4.5, text  # WCAG 2.2, 1.4.3
    shown = [page.find_element(By.CSS_SELECTOR, name).is_displayed() for name in ("h1", "#list .text", "nav", "form")]
    assert shown == [True, True, kind != "print", kind != "print"]


def luminance(page, selector: str, name: str) -> float:
    """Return the relative luminance of a colour, as WCAG 2.2 defines it."""
    script = "return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]].match(/[\\d.]+/g)"
    channels = np.array(page.execute_script(script, selector, name)[:3], float) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])
