"""Pages of what authorities are told: overview, draft, text, approval, and a print view."""

from incident.views.authority_notifications import overview, printing, reading, secrecy, text
from incident.views.authority_notifications.blueprint import bp

__all__ = ["bp", "overview", "printing", "reading", "secrecy", "text"]
