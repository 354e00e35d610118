"""Fine-tuning of multi-label text classifiers: the library that the stages and the command line share."""

import os

# A thread of OpenMP that waits for work spins, and two runs on one machine then spin against each other. GNU's runtime
# reads this when torch loads it, so it must be set before. docs/speed.md has the measurements.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")
