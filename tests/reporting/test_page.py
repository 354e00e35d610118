"""The page: complete, and harmless whatever the data holds."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np

from emotions.reporting import page
from tests.reporting.conftest import ANNOTATED, LABELS, PROBABILITIES, TEXTS, write_page


class Page(HTMLParser):
    """A parsed page: tags with their attributes, text outside of scripts and styles, and the data of the script."""

    def __init__(self, path: Path):
        super().__init__()
        self.tags, self.text, self.scripts = [], "", []
        self.feed(path.read_text("utf-8"))
        self.close()
        self.data = json.loads(self.scripts[0])

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        if self.cdata_elem == "script":
            self.scripts.append(data)
        elif self.cdata_elem is None:
            self.text += re.sub(r"\s+", " ", data)


def test_comments_arrive_unchanged(tmp_path):
    content = Page(write_page(tmp_path / "report.html")).data
    assert content["labels"] == list(LABELS) and content["thresholds"] == [0.3, 0.4, 0.6]
    columns = [list(column) for column in zip(*content["comments"], strict=True)]
    assert columns[:3] == [[f"c{row}" for row in range(5)], TEXTS, [[1], [0], [0, 1], [2], []]]
    assert columns[3] == [[1], [0, 1], [0], [2], []] and columns[4][4] == [100, 100, 100]


def test_text_from_the_data_creates_no_tag(tmp_path):
    plain = Page(write_page(tmp_path / "plain.html", texts=["plain"] * 5))
    names = ("<b>anger", '"joy" onclick="', "neutral")
    nasty = Page(write_page(tmp_path / "nasty.html", names=names, run="<mine>.csv"))
    assert [tag for tag, _ in nasty.tags] == [tag for tag, _ in plain.tags]
    assert "<mine>.csv" in nasty.text and "<b>anger" in nasty.text
    assert not any("onclick" in attributes for _, attributes in nasty.tags)


def test_nothing_is_loaded_from_elsewhere_and_only_its_own_script_may_run(tmp_path):
    tags = Page(write_page(tmp_path / "report.html")).tags
    sources = [attributes[name] for _, attributes in tags for name in ("src", "href") if name in attributes]
    assert sources and all(source.startswith(("#", "data:image/png;base64,")) for source in sources)
    assert not [tag for tag, _ in tags if tag in ("link", "iframe", "object", "base")]
    assert [attributes["alt"] for tag, attributes in tags if tag == "img"] == list(page.CAPTIONS.values())
    policy = next(a["content"] for _, a in tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; img-src data:;") and "unsafe" not in policy and "http" not in policy


def test_metrics_and_labels_are_readable_without_a_script(tmp_path):
    found = Page(write_page(tmp_path / "report.html", labels=ANNOTATED * [1, 1, 0]))
    for shown in ("5 comments of the test part. For 2 of them", "0.712", "0.600 to 0.800", "0.312 (0.250 to 0.375)",
                  "0.11 to 0.77", "roc_auc_macro n/a", "n/a no comments", "need JavaScript"):  # fmt: skip
        assert shown in found.text, shown
    assert "hidden" in next(attributes for tag, attributes in found.tags if tag == "form")


def test_a_single_empty_comment_without_labels(tmp_path):
    nothing = np.zeros((1, 3), np.uint8)
    found = Page(write_page(tmp_path / "report.html", texts=[""], labels=nothing, probabilities=0.1 * nothing))
    assert found.data["comments"] == [["c0", "", [], [], [0, 0, 0]]]
    assert "1 comment of the test part. For 1 of them" in found.text


def test_the_page_holds_an_even_sample_of_many_comments(tmp_path):
    many = {"texts": TEXTS * 3_000, "labels": np.tile(ANNOTATED, (3_000, 1))}
    found = Page(write_page(tmp_path / "report.html", probabilities=np.tile(PROBABILITIES, (3_000, 1)), **many))
    ids = [int(comment[0].removeprefix("c")) for comment in found.data["comments"]]
    assert len(ids) == 10_000 and (ids[0], ids[-1]) == (0, 14_999) and set(np.diff(ids)) == {1, 2}
    assert "sample of 10,000 of the 15,000 test comments" in found.text
    assert "sample of" not in Page(write_page(tmp_path / "few.html")).text
