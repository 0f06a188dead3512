"""What several tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

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
