"""What the job's environment has more than ours: where the agent is, and where it records."""

from __future__ import annotations

import os
from collections.abc import Mapping

import mptrace
from mptrace.wire.rundir import ENV_HOME, ENV_RUN

HOME = os.path.dirname(os.path.abspath(mptrace.__file__))
BOOTSTRAP = os.path.join(HOME, "launch", "bootstrap")


def traced_environment(run_path: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Return a copy of the environment in which every Python loads the agent and records to ``run_path``."""
    paths = [path for path in environ.get("PYTHONPATH", "").split(os.pathsep) if path != BOOTSTRAP]
    if paths == [""]:  # unset and empty mean the same to Python, but an empty entry means the working directory
        paths = []
    return {**environ, "PYTHONPATH": os.pathsep.join([BOOTSTRAP, *paths]), ENV_RUN: run_path, ENV_HOME: HOME}


def bare_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return a copy without our marks: for a job that cannot be recorded, also when we are ourselves a traced job's child."""
    paths = [path for path in environ.get("PYTHONPATH", "").split(os.pathsep) if path != BOOTSTRAP]
    bare = {name: value for name, value in environ.items() if name not in (ENV_RUN, ENV_HOME)}
    if "PYTHONPATH" in environ and environ["PYTHONPATH"] != os.pathsep.join(paths):
        bare["PYTHONPATH"] = os.pathsep.join(paths)
    return bare
