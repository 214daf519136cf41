"""A script without a main guard plans a night's observations in an executor.

After nasa/dorado-scheduling#89 and alex-sherman/unsync#50: it ran on Linux, and breaks where processes are spawned.
"""

# methods: spawn forkserver
# exit: 1

from concurrent.futures import ProcessPoolExecutor

from stage import context

FIELDS = [("M31", 10.7), ("M33", 23.5), ("M51", 202.5)]


def plan(field):
    name, right_ascension = field
    return name, round(right_ascension / 15, 2)


def schedule(fields):
    with ProcessPoolExecutor(2, mp_context=context()) as executor:
        return dict(executor.map(plan, fields))  # expect: missing-main-guard


for name, hour in schedule(FIELDS).items():
    print(name, hour)
