"""Settings that must be made before torch is loaded."""

import subprocess
import sys

import pytest

from tests.conftest import environment


@pytest.mark.skipif(sys.platform != "linux", reason="GNU's OpenMP is Linux's")
@pytest.mark.parametrize("module", ["stages.train", "stages.evaluate", "emotions.model.classifier"])
def test_threads_that_wait_do_not_spin_for_long(module):
    done = subprocess.run(
        [sys.executable, "-c", f"import {module}"],
        env=environment(OMP_DISPLAY_ENV="VERBOSE"),
        capture_output=True,
        text=True,
    )
    found = {line.split("=")[1].strip() for line in done.stderr.splitlines() if "GOMP_SPINCOUNT" in line}
    assert found == {"'10000'"}


def test_the_package_itself_imports_no_torch():
    done = subprocess.run(
        [sys.executable, "-c", "import sys, emotions; print('torch' in sys.modules)"],
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert done.stdout == "False\n"
