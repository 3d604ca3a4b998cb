"""Fixtures that several tests share."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def fake_faultline(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> Callable[..., None]:
    """Sets up what the stand-in for the program `faultline` does; the test runs in an empty directory."""
    monkeypatch.setenv("FAULTLINE_PROGRAM", str(pathlib.Path(__file__).with_name("fake_faultline.py")))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)

    def setup(**values: Any) -> None:
        monkeypatch.setenv("FAKE_FAULTLINE", json.dumps(values))

    setup()
    return setup
