"""What became of the results of a pool: which callback its handler died of, or raised what the pool swallows."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.attach.children import definition
from mptrace.attach.cpython.walk import Found
from mptrace.attach.insight import Insight
from mptrace.attach.memory import Unreadable
from mptrace.attach.seen import Frame

Result = dict[str, int]
"""Attributes of a result object."""


def results_of(insight: Insight, pool: Found) -> dict[int, Result]:
    """Return job number -> result, for all in the pool's cache: a result that was handed out is no longer there."""
    try:
        items = [*insight.objects.items(pool.attributes.get("_cache", 0))]
    except Unreadable:
        return {}
    return {insight.number(number, -1): insight.attributes(result) for number, result in items}


def parts_left(insight: Insight, result: Result) -> int:
    """Return how many parts of a job have no result: of map() a count, of apply() -1 until its value is there, of imap() -1."""
    if "_number_left" in result:
        return insight.number(result["_number_left"])
    if "_length" in result:
        return -1 if insight.number(result.get("_index", 0)) < insight.number(result["_length"]) else 0
    return -1 if result and "_value" not in result else 0


def callbacks_in_the_way(insight: Insight, pool: Found) -> Iterator[tuple[int, Frame]]:
    """Yield job and callback of results that are all there and were not handed out: their callbacks did not return."""
    for job, result in results_of(insight, pool).items():
        went_well = insight.number(result.get("_success", 0))
        callback = result.get("_callback" if went_well else "_error_callback", 0)
        if result and not parts_left(insight, result) and callback and not insight.is_none(callback):
            where = definition(insight, callback)
            if where is not None:
                yield job, where


def what_it_died_of(insight: Insight, pool: Found) -> tuple[str, Frame | None]:
    """Return what the handler of results died of: a callback, or else a result that it could not read."""
    results = results_of(insight, pool).values()
    callback = next((where for _, where in callbacks_in_the_way(insight, pool)), None)
    unread = results and all(parts_left(insight, result) for result in results)
    return "an exception: a result could not be rebuilt" if unread else "", callback
