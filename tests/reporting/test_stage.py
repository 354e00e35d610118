"""The stage report: all figures and the page from tables alone, or one line and the old files."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from emotions.core.errors import InputError
from emotions.reporting import page, tables
from stages import report

READ = [*tables.TABLES, report.METRICS, report.BASELINE, report.PREDICTIONS, report.COMMENTS]


def test_all_figures_and_the_page_are_written_and_kept_if_a_later_run_fails(results, capsys, monkeypatch):
    report.main()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 and "open plots/report.html" in lines[1] and 'git commit -am "Baseline' in lines[2]
    metrics = json.loads((results / report.METRICS).read_text())
    assert f"f1_macro {metrics['f1_macro']:.3f} ({metrics['f1_macro_low']:.3f} to" in lines[0]
    files = [*results.glob("plots/figures/*"), results / report.PAGE]
    assert sorted(file.name for file in files) == sorted([*(f"{name}.png" for name in page.CAPTIONS), "report.html"])
    html = (results / report.PAGE).read_text(encoding="utf-8")
    assert all(shown in html for shown in ('data-value="NA"', 'data-value="1"', '"c20","text of c20"'))
    first = [file.read_bytes() for file in files]
    report.main()
    assert first == [file.read_bytes() for file in files]
    monkeypatch.setattr(report.page, "write", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        report.main()
    assert first == [file.read_bytes() for file in files]


def test_torch_is_not_needed():
    code = "import sys, stages.report; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(report.__file__).parents[1]).returncode == 0


@pytest.mark.parametrize("content", [None, b"\xff", b"label,x\nNA,1\n"])
@pytest.mark.parametrize("name", READ)
def test_a_missing_or_damaged_file_is_named_and_nothing_is_written(results, name, content):
    (results / name).unlink()
    if content is not None:
        (results / name).write_bytes(content)
    with pytest.raises(InputError, match=rf"^{name} .*run `dvc repro"):
        report.main()
    assert not (results / report.FIGURES).exists() and not (results / report.PAGE).exists()


def test_tables_and_comments_of_another_run_are_refused(results):
    assert report.texts_of(["c1", "c0", "c1"]) == ["text of c1", "text of c0", "text of c1"]
    with pytest.raises(InputError, match=r"comments.parquet lacks comments of .*`dvc repro`"):
        report.texts_of(["c0", "unknown"])
    path = results / "plots/evaluation/per_label.csv"
    path.write_text(path.read_text().replace("NA,", "other,"))
    with pytest.raises(InputError, match=r"plots/evaluation has other labels .*`dvc repro`"):
        report.main()
