"""What several tests of scripts take."""

import os
from pathlib import Path

import pytest


@pytest.fixture
def made_up(tmp_path: Path) -> Path:
    """A faultline whose `run` makes the night of the day $NIGHT up and ends with $STATUS, and whose `gate` ends with
    $GATE; both add their arguments to `called`. All else is the real one."""
    program = tmp_path / "faultline"
    program.write_text(
        f"""#!/bin/bash
case " $* " in *" --dry-run "* | *" --check "*) exec {os.environ["FAULTLINE"]} "$@" ;; esac
case $1 in
    run) echo "$@" >>{tmp_path}/called; {Path(__file__).parent}/fake_night.py "$@" && exit "${{STATUS:-0}}" ;;
    gate)
        echo "$@" >>{tmp_path}/called
        while [ $# -gt 0 ]; do [ "$1" != --markdown ] || echo "the gate" >"$2"; shift; done
        exit "${{GATE:-0}}" ;;
    *) exec {os.environ["FAULTLINE"]} "$@" ;;
esac
"""
    )
    program.chmod(0o755)
    return program
