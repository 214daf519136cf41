"""What a probe is: a file in ``probes/`` with ``install(module)``, called once for each of its targets right after its import.

A probe patches with `originals.patch` only, so that `guard` can put everything back. Its wrappers call the original
exactly once, with the host's arguments, and let its result or exception through untouched; what they do of their
own stands in a ``try`` that ends in ``guard.trouble(NAME)``.

To add one: a file in ``probes/``, and its line here.
"""

PROBES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("exits", ("multiprocessing.process", "multiprocessing.util")),
    ("threads", ("multiprocessing.process",)),
    (
        "process",
        ("multiprocessing.process", "multiprocessing.popen_fork", "multiprocessing.popen_forkserver", "multiprocessing.spawn"),
    ),
    ("signals", ("multiprocessing.process",)),
    ("program", ("multiprocessing.process", "multiprocessing.util")),
    ("reduction", ("multiprocessing.reduction", "multiprocessing.popen_spawn_posix", "multiprocessing.popen_forkserver")),
    (
        "by_value",
        (
            "multiprocessing.reduction",
            "cloudpickle.cloudpickle",
            "joblib.externals.cloudpickle.cloudpickle",
            "ray.cloudpickle.cloudpickle",
        ),
    ),
    ("semlock", ("multiprocessing.synchronize",)),
    ("synchronize", ("multiprocessing.synchronize",)),
    ("connection", ("multiprocessing.connection",)),
    ("queues", ("multiprocessing.queues",)),
    ("pool", ("multiprocessing.pool",)),
    ("executor", ("concurrent.futures.process",)),
    ("unread", ("multiprocessing.pool", "concurrent.futures.process")),
    ("managers", ("multiprocessing.managers",)),
    ("sharedctypes", ("multiprocessing.sharedctypes", "multiprocessing.heap", "multiprocessing.shared_memory")),
    ("module_state", ("multiprocessing.process",)),
    ("random_state", ("multiprocessing.process",)),
    ("handles", ("multiprocessing.process",)),
)
"""Name of each probe and the modules it patches; probes of one target are installed in this order."""

TARGETS: dict[str, tuple[str, ...]] = {}
for _name, _targets in PROBES:
    for _target in _targets:
        TARGETS[_target] = (*TARGETS.get(_target, ()), _name)
