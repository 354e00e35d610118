"""The report's content: complete, harmless whatever the data holds, and the same for the same numbers."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from emotions import report, scores

LABELS = ("anger", "joy", "neutral")
TEXTS = [
    "so happy",
    "<script>document.title = 'run'</script>",
    "</script><img src=x onerror=\"document.title = 'run'\">",
    "<!-- <script> a comment that opens two things",
    "one line\u2028and another\u2029and \x00 the 🙂 last & final",
]
LABELLED = [[1], [0], [0, 1], [2], []]
GIVEN = [[1], [0, 1], [0], [2], []]
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000" + "1f15c4890000000d49444154789c6360606060"
    "0000000500015eebf6310000000049454e44ae426082"
)
METRICS = {"comments": 5, "f1_micro": 0.71234, "f1_micro_low": 0.6, "f1_micro_high": 0.8, "roc_auc_macro": None}


def write(path: Path, **changes: object) -> Path:
    """Write a report of the comments above, with other arguments where they are given; per_label follows labels."""
    labels, given = (np.array([[int(k in row) for k in range(3)] for row in rows]) for rows in (LABELLED, GIVEN))
    arguments = {
        "run": {"data": "data/<mine>.csv"},
        "metrics": METRICS,
        "label_names": LABELS,
        "ids": np.array([f"c{number}" for number in range(5)], object),
        "texts": np.array(TEXTS, object),
        "labels": labels,
        "probabilities": np.where(given, [[0.9], [0.8], [0.7], [0.6], [0.5]], 0.1004),
        "thresholds": np.array([0.3, 0.4, 0.6]),
        "figures": [],
        **changes,
    }
    if "per_label" not in changes:
        arguments["per_label"] = scores.score_labels(
            arguments["labels"], arguments["probabilities"], arguments["thresholds"], arguments["label_names"]
        )
    report.write(path, **arguments)
    return path


class Page(HTMLParser):
    """What a page is made of: tags with their attributes, text outside of scripts and styles, and each script's."""

    def __init__(self, path: Path):
        super().__init__()
        self.tags, self.text, self.scripts = [], "", []
        self.feed(path.read_text("utf-8"))
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        if self.cdata_elem == "script":
            self.scripts.append(data)
        elif self.cdata_elem is None:
            self.text += re.sub(r"\s+", " ", data)

    @property
    def data(self) -> dict:
        return json.loads(self.scripts[0])


def test_the_comments_come_through_whatever_they_hold(tmp_path):
    content = Page(write(tmp_path / "report.html")).data
    assert content["labels"] == list(LABELS) and content["thresholds"] == [0.3, 0.4, 0.6]
    assert [comment[:2] for comment in content["comments"]] == [[f"c{k}", text] for k, text in enumerate(TEXTS)]
    assert [comment[2] for comment in content["comments"]] == LABELLED
    assert [comment[3] for comment in content["comments"]] == GIVEN
    assert content["comments"][0][4] == [100, 900, 100]


def test_text_of_the_data_makes_no_tag(tmp_path):
    tags = Page(write(tmp_path / "report.html")).tags
    assert tags == Page(write(tmp_path / "plain.html", texts=np.array(["plain"] * 5, object))).tags
    names = ("<b>anger", '"joy" onclick="', "neutral")
    assert [tag for tag, _ in Page(write(tmp_path / "labels.html", label_names=names)).tags] == [tag for tag, _ in tags]
    assert "data/<mine>.csv" in Page(tmp_path / "report.html").text


def test_nothing_is_loaded_from_elsewhere_and_only_its_own_script_may_run(tmp_path):
    (tmp_path / "figure.png").write_bytes(PIXEL)
    page = Page(write(tmp_path / "report.html", figures=[(tmp_path / "figure.png", 'A "figure" & more')]))
    sources = [attributes[name] for _, attributes in page.tags for name in ("src", "href") if name in attributes]
    assert sources and all(source.startswith(("#", "data:image/png;base64,")) for source in sources)
    assert not [tag for tag, _ in page.tags if tag in ("link", "iframe", "object", "base")]
    assert {"alt": 'A "figure" & more'}.items() <= next(a for tag, a in page.tags if tag == "img").items()
    policy = next(a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; img-src data:;") and "unsafe" not in policy and "http" not in policy


def test_the_same_numbers_give_the_same_bytes(tmp_path):
    assert write(tmp_path / "one.html").read_bytes() == write(tmp_path / "two.html").read_bytes()


def test_metrics_and_labels_are_readable_without_a_script(tmp_path):
    per_label = pd.DataFrame(
        {"label": LABELS, "support": [2, 2, 0], "precision": 0.5, "recall": 0.25, "f1": [0.33, 0.44, 0.0],
         "threshold": 0.4, "f1_low": 0.11, "f1_high": 0.77}
    )  # fmt: skip
    baseline = {"f1_micro": 0.31234, "f1_micro_low": 0.25, "f1_micro_high": 0.375}
    text = Page(write(tmp_path / "report.html", per_label=per_label, baseline=baseline)).text
    for shown in ("5 comments of the test part; 3 of them", "0.712", "0.600 to 0.800", "0.312 (0.250 to 0.375)",
                  "0.33 0.11 to 0.77", "roc_auc_macro n/a", "n/a on no comment", "need JavaScript"):  # fmt: skip
        assert shown in text, shown
    without = Page(write(tmp_path / "without.html")).text
    assert "baseline" not in without and "0.11 to" not in without


@pytest.mark.parametrize("count", [1, 2])
def test_few_comments_and_labels_without_any(tmp_path, count):
    page = Page(
        write(
            tmp_path / "report.html",
            ids=np.array(["a", "b"][:count], object),
            texts=np.array(["", "x"][:count], object),
            labels=np.zeros((count, 3), int),
            probabilities=np.full((count, 3), 0.0),
        )
    )
    assert [comment[2:4] for comment in page.data["comments"]] == [[[], []]] * count
    assert f"{count} comment{'s' * (count > 1)} of the test part; {count} of them" in page.text


def test_of_many_comments_an_even_part_is_on_the_page(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "MOST_COMMENTS", 3)
    page = Page(write(tmp_path / "report.html"))
    assert [comment[0] for comment in page.data["comments"]] == ["c0", "c2", "c4"]
    assert "3 of the 5 test comments, evenly spaced" in page.text and "5 comments of the test part" in page.text
    monkeypatch.setattr(report, "MOST_COMMENTS", 5)
    assert "evenly spaced" not in Page(write(tmp_path / "all.html")).text


def test_a_page_of_the_size_of_the_embedded_corpus_is_small(tmp_path):
    n, label_count = 718, 28
    probabilities = np.random.default_rng(0).random((n, label_count))
    path = write(
        tmp_path / "report.html",
        label_names=tuple(f"label {number}" for number in range(label_count)),
        ids=np.array([f"c{number}" for number in range(n)], object),
        texts=np.array(["a comment of a hundred letters " * 4] * n, object),
        labels=(probabilities > 0.9).astype(int),
        probabilities=probabilities,
        thresholds=np.full(label_count, 0.95),
    )
    assert path.stat().st_size < 1_000_000  # and the figures come to it


def test_the_old_page_stays_when_a_figure_is_missing(tmp_path):
    (tmp_path / "report.html").write_text("old")
    with pytest.raises(FileNotFoundError):
        write(tmp_path / "report.html", figures=[(tmp_path / "none.png", "none")])
    assert (tmp_path / "report.html").read_text() == "old"
