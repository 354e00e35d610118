"""Makes `python -m emotions` the same as the console command `emotions`."""

from emotions.commands.cli import run

run()
