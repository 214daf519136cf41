"""Finds the rules by their files: a new file in rules/ is a new rule, and nothing else needs an edit."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from mptrace.diagnose import rules as folder
from mptrace.diagnose.rule import Rule


@cache
def all_rules() -> tuple[Rule, ...]:
    """Return every rule, by name; TypeError if a file of the folder does not hold the rule it is named after."""
    return tuple(_load(found.name) for found in sorted(iter_modules(folder.__path__), key=lambda found: found.name))


def find_rule(rule_id: str) -> Rule | None:
    """Return a rule by its id (``lock-cycle`` or ``lock_cycle``)."""
    wanted = rule_id.strip().lower().replace("_", "-")
    return next((rule for rule in all_rules() if rule.id == wanted), None)


def _load(name: str) -> Rule:
    found = getattr(import_module(f"{folder.__name__}.{name}"), name, None)
    if not isinstance(found, Rule):
        raise TypeError(f"mptrace/diagnose/rules/{name}.py does not define a rule named {name}")
    return found
