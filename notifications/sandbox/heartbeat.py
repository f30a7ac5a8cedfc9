"""Where the product's heartbeat is heard, as a service outside the house would hear it."""

from flask import Blueprint, Response

from notifications.sandbox.bench import bench
from notifications.sandbox.messages import now_utc

blueprint = Blueprint("heartbeat", __name__)


@blueprint.route("/heartbeat", methods=["GET", "HEAD", "POST"])
@blueprint.route("/heartbeat/<path:how>", methods=["GET", "HEAD", "POST"])
def beat(how: str = "") -> Response:
    """Hear a beat; what stands behind the slash ("fail", "start") is kept with it."""
    bench().heart.hear(how, now_utc())
    return Response("OK", content_type="text/plain; charset=utf-8")
