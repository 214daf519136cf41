"""Options of the launcher's own interpreter, as the job needs them."""

from __future__ import annotations

import pytest

from mptrace.launch.interpreter import own_options


@pytest.mark.parametrize(
    ("line", "options"),
    [
        ("python -m mptrace job.py -O", ""),
        ("python -X dev -W error -m mptrace job.py", "-X dev -W error"),
        ("python -Xdev -Werror::Warning -mmptrace job.py", "-Xdev -Werror::Warning"),
        ("python -uBOO -m mptrace -m job", "-uBOO"),
        ("python -Bm mptrace job.py", "-B"),
        ("python -OXdev -m mptrace", "-OXdev"),
        ("python -OX dev -m mptrace", "-OX dev"),
        ("python --check-hash-based-pycs always -m mptrace", "--check-hash-based-pycs always"),
        ("python -I /usr/bin/mptrace -O job.py", "-I"),
        ("python /usr/bin/mptrace run -- -x", ""),
    ],
)
def test_they_are_kept_up_to_the_module_or_script(line: str, options: str) -> None:
    assert own_options(line.split()) == options.split()
