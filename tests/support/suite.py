"""Run a part of CPython's own multiprocessing tests and print each one's outcome; a program of its own, for any Python.

python suite.py fork Class [Class ...]
"""

import sys
import unittest


class Outcomes(unittest.TestResult):
    """Notes one word a test."""

    def __init__(self):
        super().__init__()
        self.words = {}

    def stopTest(self, test):  # noqa: N802
        """Called by unittest."""
        super().stopTest(test)
        self.words.setdefault(test.id(), "pass")

    def addError(self, test, err):  # noqa: N802
        """Called by unittest."""
        self.words[test.id()] = f"error {err[1]!r}"

    def addFailure(self, test, err):  # noqa: N802
        """Called by unittest."""
        self.words[test.id()] = f"fail {err[1]!r}"

    def addSkip(self, test, reason):  # noqa: N802
        """Called by unittest."""
        self.words[test.id()] = "skip"


def main(method, classes):
    """Run the test classes with these names, for processes only; returns 0 if none failed."""
    from test import _test_multiprocessing

    found = {"__name__": __name__}
    arguments = {"only_type": "processes"} if sys.version_info >= (3, 12) else {}
    _test_multiprocessing.install_tests_in_module_dict(found, method, **arguments)
    wanted = [found[f"WithProcesses{name}"] for name in classes if f"WithProcesses{name}" in found]
    suite = unittest.TestSuite(unittest.defaultTestLoader.loadTestsFromTestCase(one) for one in wanted)
    outcomes = Outcomes()
    found["setUpModule"]()
    suite.run(outcomes)
    found["tearDownModule"]()
    for test, word in sorted(outcomes.words.items()):
        print(test.rpartition("__main__.")[2], word)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
