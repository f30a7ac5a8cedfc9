"""The blueprint of the pages of processors, and what several of them ask."""

from flask import Blueprint, current_app

from accounts.permissions import current_staff
from foundation import locales

bp = Blueprint("processors", __name__, url_prefix="/processors")


def report_url(endpoint_id: str) -> str:
    """Where an endpoint takes reports, in full."""
    return f"{current_app.config['SETTINGS'].public_url}/api/v1/reports/{endpoint_id}"


def who() -> str:
    """The name under which a change is entered."""
    return current_staff().name


def zone() -> str:
    """The zone of the organisation."""
    return locales.zone()
