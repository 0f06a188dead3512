"""What several tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mossy.backend import make_room

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def mossy_data() -> Path:
    """The folder of measured files: MOSSY_DATA, or ../shared/data beside the project; CI must have it."""
    folder = Path(os.environ.get("MOSSY_DATA") or PROJECT.parent / "shared" / "data")
    if not folder.is_dir():
        message = f"no measured data in {folder}: set MOSSY_DATA to the folder that holds them"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return folder


@pytest.fixture(autouse=True, scope="module")
def room_for_compiled_code() -> Iterator[None]:
    """Hundreds of tests compile more than one process can hold."""
    yield
    make_room()
