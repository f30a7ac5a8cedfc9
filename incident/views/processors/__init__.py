"""Pages of processors: the register and its tree, contacts, endpoints, import and export."""

from incident.views.processors import contacts, endpoints, entry, imports, overview
from incident.views.processors.blueprint import bp

__all__ = ["bp", "contacts", "endpoints", "entry", "imports", "overview"]
