"""What the processes shared: from their making, their parts, their arrival by unpickling, and the locks on the boards."""

from __future__ import annotations

from collections import Counter, defaultdict

from mptrace.collect.recording import TallyCell
from mptrace.model.building.workshop import KIND_BY_FAMILY, Workshop
from mptrace.model.event import Event
from mptrace.model.naming import Names
from mptrace.model.process import Process, Role, Tally
from mptrace.model.resource import Resource
from mptrace.wire import layout
from mptrace.wire import resource as family_of
from mptrace.wire.event import unsigned
from mptrace.wire.events import resources, tasks

EXECUTOR = "ProcessPoolExecutor"


def build_resources(shop: Workshop) -> None:
    """Make the resources, link owners and parts, name them."""
    for event in shop.run.events.of(*_TAKERS):
        if event.process is not None:
            _TAKERS[event.kind.number](shop, event.process, event)
    for process in shop.run.processes:
        _take_head(shop, process)
    _name_all(shop)


def _resource(shop: Workshop, process: Process, event: Event, prefix: str = "") -> Resource:
    family = event.number(f"{prefix}family") or family_of.PIPE
    return shop.resource(family, unsigned(event.number(f"{prefix}key")), process)


def _take_made(shop: Workshop, process: Process, event: Event) -> None:
    made = _resource(shop, process, event)
    if made in shop.made:
        return
    shop.made.add(made)
    made.kind, made.detail, made.number = event.text("kind") or made.kind, event.text("detail"), event.number("number")
    made.made_by, made.created_at = process, event.site
    made.knowers.add(process)


def _take_part(shop: Workshop, process: Process, event: Event) -> None:
    part, owner = _resource(shop, process, event), _resource(shop, process, event, "owner_")
    if part is owner or part.owner is not None or owner.outermost is part:
        return
    part.kind = part.kind or KIND_BY_FAMILY.get(part.family, "")
    part.owner, part.role = owner, event.text("role")
    owner.parts[part.role] = part


def _take_known(shop: Workshop, process: Process, event: Event) -> None:
    known = _resource(shop, process, event)
    known.kind = known.kind or event.text("kind")
    known.knowers.add(process)


def _take_pair(shop: Workshop, process: Process, event: Event) -> None:
    one = shop.resource(family_of.PIPE, unsigned(event.number("key")), process, "Pipe")
    other = shop.resource(family_of.PIPE, unsigned(event.number("other")), process, "Pipe")
    for end in (one, other):
        end.kind, end.made_by = end.kind or "Pipe", end.made_by or process
        end.knowers.add(process)
    if one is not other:
        one.peer, other.peer = other, one


def _take_named(shop: Workshop, process: Process, event: Event) -> None:
    named = _resource(shop, process, event)
    named.name = named.name or event.text("name")


def _take_pool(shop: Workshop, process: Process, event: Event) -> None:
    pool = shop.resource(family_of.OBJECT, unsigned(event.number("pool")), process)
    pool.kind, pool.number = pool.kind or "Pool", event.number("workers") or pool.number
    pool.made_by, pool.created_at = pool.made_by or process, pool.created_at or event.site
    pool.knowers.add(process)


def _take_worker(shop: Workshop, process: Process, event: Event) -> None:
    process.pool = shop.resource(family_of.OBJECT, unsigned(event.number("pool")), process)


def _take_joined(shop: Workshop, process: Process, event: Event) -> None:
    """Seen from outside, a worker that is dead has no file of its own: its pool tells of it."""
    worker = shop.process_at(event.number("child"), event.at_ns) if shop.run.meta.attached else None
    if worker is not None and not worker.traced:
        worker.pool = shop.resource(family_of.OBJECT, unsigned(event.number("pool")), process)
        worker.role = Role.EXECUTOR_WORKER if worker.pool.kind == EXECUTOR else Role.WORKER


_TAKERS = {
    resources.MADE.number: _take_made,
    resources.PART.number: _take_part,
    resources.KNOWN.number: _take_known,
    resources.PAIR.number: _take_pair,
    resources.NAMED.number: _take_named,
    tasks.POOL.number: _take_pool,
    tasks.WORKER.number: _take_worker,
    tasks.WORKER_JOINED.number: _take_joined,
}


def _take_head(shop: Workshop, process: Process) -> None:
    """Take in the locks and connections whose making was not recorded, and count messages."""
    head = shop.head(process)
    if head is None:
        _take_tallies(shop, process, shop.lives[process].tallies)
        return
    for lock in head.locks:
        known = shop.resource(family_of.SEM, lock.key, process)
        known.kind = known.kind or "Lock"
        known.knowers.add(process)
        site = shop.places[process].site(lock.site) if lock.site and not lock.site & layout.FOREIGN else None
        if site is not None and (lock.since_ns == 0 or lock.since_ns >= process.started_ns):
            process.last_takes[known] = site
    process.busy_ns = head.header[layout.H_BUSY]
    _take_tallies(shop, process, head.tallies)
    if process.pool is not None and process.pool.kind == EXECUTOR and process.role is Role.WORKER:
        process.role = Role.EXECUTOR_WORKER


def _is_librarys(resource: Resource) -> bool:
    """Was it made inside of a call that the program made for something else, such as the start of a manager?"""
    return resource.kind == "Pipe" and resource.detail.startswith("multiprocessing.")


def _take_tallies(shop: Workshop, process: Process, cells: list[TallyCell]) -> None:
    for cell in cells:
        pipe = shop.resource(family_of.PIPE, cell.key, process)
        pipe.kind = pipe.kind or "Pipe"
        pipe.knowers.add(process)
        process.tallies.append(Tally(pipe, cell.sent, cell.received, bool(cell.ends & 1), bool(cell.ends & 2)))


def _name_all(shop: Workshop) -> None:
    """Name what the program made by the variable it was assigned to; the n-th of one line by the n-th on that line."""
    names, made = Names(shop.run.sources), Counter[tuple[object, str, Process | None]]()
    for resource in shop.run.resources:
        site = resource.created_at
        if resource.owner is not None or site is None or _is_librarys(resource):
            continue
        nth = made[site, resource.kind, resource.made_by]
        made[site, resource.kind, resource.made_by] += 1
        resource.name = resource.name or names.name_at(site, resource.kind, nth)
    for resource in shop.run.resources:
        if resource.peer is not None and resource.owner is None and not resource.name:
            resource.name = resource.peer.name
    _number_alike(shop)


def _number_alike(shop: Workshop) -> None:
    """Tell apart what one line gave one name to several times: ``self.lock`` of one account, and of another."""
    alike = defaultdict[tuple[object, str, str, Process | None], list[Resource]](list)
    for resource in shop.run.resources:
        if resource.owner is None and resource.peer is None and resource.name and resource.created_at is not None:
            alike[resource.created_at, resource.name, resource.kind, resource.made_by].append(resource)
    for several in alike.values():
        for number, resource in enumerate(several if len(several) > 1 else (), start=1):
            resource.nth = number
