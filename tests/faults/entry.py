"""What the processes of a fault test begin with: the product, hurried, with points to die at.

Stands in for `wsgi` in the product's own command lines.
"""

import os
import sys
from uuid import UUID

from flask import Flask, Response, request

import wsgi
from foundation import database
from notifications import jobs
from tests.faults import crashing, pace

TOGETHER = 6  # horses at once


def main() -> None:
    """As `wsgi.main`: workers, clocks, every command."""
    _prepare()
    wsgi.main()


def create_app() -> Flask:
    """As `wsgi.create_app`, for the web server."""
    _prepare()
    app = wsgi.create_app()

    @app.after_request
    def die_before_answering(response: Response) -> Response:
        if webhook_id := request.headers.get("webhook-id"):
            crashing.reach(crashing.Point.BEFORE_ANSWER, webhook_id)
        return response

    return app


def _prepare() -> None:
    pace.apply()
    crashing.install()


def horses() -> None:
    """Deliver each message named on standard input in a fork of its own, as a worker's horses do.

    For points of death that are to be met with no queue server anywhere.
    """
    _prepare()
    app = wsgi.create_app()
    with app.app_context(), database.everyone():
        jobs.deliver(str(UUID(int=0)))  # so that each fork need not make ready what all of them need
        database.db.session.remove()
        database.db.engine.dispose()
    for number, line in enumerate(sys.stdin):
        if number >= TOGETHER:
            os.waitpid(-1, 0)
        if os.fork() == 0:
            with app.app_context(), database.everyone():
                database.after_fork()
                jobs.deliver(line.strip())
            os._exit(0)
    sys.stdout.write("all started\n")
    sys.stdout.flush()
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return
