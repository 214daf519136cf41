"""A module that takes its time to be imported."""

import time

from stage import patience

time.sleep(patience())
TABLE = {"one": 1}
