"""Every CPython that the agent is to work in, found or not: tests marked `everywhere` run in each, and skip an absent one by name."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

VERSIONS = ("3.10", "3.11", "3.12", "3.13", "3.14", "3.15")


def python_for(version: str) -> str | None:
    """Return an interpreter of that version: this one, one of pyenv's, or one on PATH; None if there is none."""
    if version == f"{sys.version_info[0]}.{sys.version_info[1]}":
        return sys.executable
    installed = sorted((Path.home() / ".pyenv/versions").glob(f"{version}.*/bin/python"))
    return str(installed[-1]) if installed else shutil.which(f"python{version}")


def _parameter(version: str) -> object:
    python = python_for(version)
    absent = pytest.mark.skip(reason=f"CPython {version} is not on this machine")
    return pytest.param(python, id=version, marks=() if python else absent)


everywhere = pytest.mark.parametrize("python", [_parameter(version) for version in VERSIONS])
