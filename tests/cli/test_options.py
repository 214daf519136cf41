"""Where options come from, and which of them counts."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from mptrace.cli.options import project_defaults, run_options, settings
from mptrace.launch.settings import Settings


def given(words: list[str], env: dict[str, str] | None = None, project: str = "", folder: Path | None = None) -> Settings:
    """Return the settings of a run with this command line, environment and pyproject.toml."""
    found: list[Settings] = []

    @click.group()
    @run_options
    def group(**_: object) -> None: ...

    @group.command("run")
    @run_options
    @click.pass_context
    def run(context: click.Context, **_: object) -> None:
        assert context.parent is not None
        found.append(settings(context.parent, context))

    defaults = {}
    if folder is not None:
        (folder / "pyproject.toml").write_text(project)
        defaults = project_defaults(str(folder))
    result = CliRunner().invoke(group, words, env=env or {}, default_map={**defaults, "run": defaults}, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return found[0]


def test_the_defaults_are_those_of_the_contract() -> None:
    assert given(["run"]) == Settings(10.0, "report", "", "", False, False, False)


def test_the_command_line_counts_before_the_environment_before_the_project(tmp_path: Path) -> None:
    project = "[tool.mptrace]\nhang-after = 1\non-hang = 'kill'\nquiet = true\n"
    env = {"MPTRACE_HANG_AFTER": "2", "MPTRACE_STRICT": "1"}

    found = given(["run"], env, project, tmp_path)
    assert (found.hang_after_s, found.on_hang, found.quiet, found.strict) == (2.0, "kill", True, True)
    assert given(["run", "--hang-after", "3"], env, project, tmp_path).hang_after_s == 3.0


def test_options_stand_before_or_behind_the_command() -> None:
    assert given(["--hang-after", "3", "run"]).hang_after_s == 3.0
    assert given(["--hang-after", "3", "--strict", "run", "--hang-after", "4"]) == given(["--strict", "run", "--hang-after", "4"])


def test_it_is_known_whether_the_time_was_asked_for() -> None:
    assert not given(["run"]).hang_after_asked
    assert given(["run", "--hang-after", "10"]).hang_after_asked
    assert given(["run"], {"MPTRACE_HANG_AFTER": "10"}).hang_after_asked


@pytest.mark.parametrize("text", ["", "[tool.other]\nx = 1\n", "not toml at all ["])
def test_a_project_without_a_word_about_us_changes_nothing(tmp_path: Path, text: str) -> None:
    assert given(["run"], None, text, tmp_path) == given(["run"])
