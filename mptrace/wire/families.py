"""Every family of event kinds: importing this declares them all, for whoever reads recordings."""

from .events import agents, failures, observations, processes, resources, shared, sites, tasks, threads

FAMILIES = (agents, failures, observations, processes, resources, shared, sites, tasks, threads)
