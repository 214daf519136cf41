"""Waits that everybody who could end them has deserted: they have ended, or wait for the waiters themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mptrace.diagnose.deaths import death_step
from mptrace.diagnose.finding import Finding, Place, Verdict
from mptrace.diagnose.hang import hang, place_of
from mptrace.diagnose.standstill import Group, Standstill, standstills
from mptrace.diagnose.wording import call_of, counted, listed, verb, who
from mptrace.model.moment import Wait
from mptrace.model.process import Process
from mptrace.model.resource import Resource
from mptrace.model.run import Run
from mptrace.model.site import Site


@dataclass(frozen=True, slots=True, eq=False)
class Deserted:
    """Waits of one kind in a group of stuck threads, what the others of the group do, and who knew the resource and has ended."""

    standstill: Standstill
    group: Group
    waits: list[Wait]
    others: list[Wait]
    resources: list[Resource]
    gone: list[Process]

    @property
    def resource(self) -> Resource:
        """What is waited for."""
        return self.resources[0]

    @property
    def waiting(self) -> str:
        """Return ``worker-1 and worker-2 wait in ready.wait()``."""
        names = list(dict.fromkeys(who(wait.thread) for wait in self.waits))
        return f"{listed(names)} {verb(len(names), 'waits', 'wait')} in {listed(call_of(wait) for wait in self.waits)}"

    @property
    def whereabouts(self) -> str:
        """Return what those who could end it do instead: ``server has ended``, ``MainProcess waits in join() of server``."""
        told = [f"{who(wait.thread)} waits in {call_of(wait)}" for wait in self.others[:2]]
        if self.gone:
            told.append(f"{listed(who(process) for process in self.gone)} {verb(len(self.gone), 'has', 'have')} ended")
        return listed(told)

    def why(self, who_else: str) -> str:
        """Return that everybody is accounted for; ``who_else`` is what nobody else will do."""
        told = [f"{counted(len(self.waits), 'thread')} in {call_of(self.waits[0])}"]
        told += [f"{who(wait.thread)} in {call_of(wait)}" for wait in self.others[:2]]
        told += [f"{counted(len(self.gone), 'process', 'processes')} ended"] if self.gone else []
        known = listed(resource.label for resource in self.resources)
        return f"The wait has no timeout, and all who know {known} are accounted for: {', '.join(told)}. Nobody else {who_else}."

    def finding(
        self, *, title: str, who_else: str, fix: str, fix_at: Site | None = None, places: tuple[Place, ...] = ()
    ) -> Finding:
        """Return the finding."""
        finding = hang(
            self.standstill,
            [*self.waits, *self.others],
            title=title,
            why=self.why(who_else),
            fix=fix,
            fix_at=fix_at or place_of(self.waits[0]),
            steps=[death_step(process) for process in self.gone[-3:]],
            resources=self.resources,
            processes=self.gone,
            places=places,
        )
        if any(wait.thread.role.is_service for wait in self.group.waits) and finding.verdict is Verdict.PROVEN:
            finding.verdict, finding.details = Verdict.LIKELY, ("threads of the library take part",)
        return finding


def deserted(run: Run, wanted: Callable[[Wait], Resource | None]) -> Iterator[Deserted]:
    """Yield the groups with waits that ``wanted`` gives a resource for."""
    for standstill in standstills(run):
        for group in standstill.groups:
            waits = [wait for wait in group.waits if wanted(wait) is not None]
            if waits and not standstill.is_orphaned(group.waits):
                resources = list(dict.fromkeys(found for wait in waits if (found := wanted(wait))))
                others = [wait for wait in group.waits if wait not in waits and not wait.thread.role.is_service]
                yield Deserted(standstill, group, waits, others, resources, dead_knowers(standstill, resources))


def dead_knowers(standstill: Standstill, resources: list[Resource]) -> list[Process]:
    """Return the processes that knew one of these and had ended."""
    knew = [process for process in standstill.run.processes if any(process in resource.knowers for resource in resources)]
    return [process for process in knew if not process.role.is_service and not process.alive_at(standstill.moment.at_ns)]
