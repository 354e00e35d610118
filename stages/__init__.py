"""The stages of the pipeline, run as `python -m stages.NAME`."""

import emotions  # noqa: F401  before torch, whose threads it sets up
