"""One file a family of event kinds; importing this declares them all. Numbers are explicit and never reused."""

from . import agents, failures, observations, processes, resources, shared, sites, tasks, threads

FAMILIES = (agents, failures, observations, processes, resources, shared, sites, tasks, threads)
