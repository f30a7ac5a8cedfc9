"""Serves a sandbox: one process, a thread per connection, ready at once, nothing to lose when killed."""

import socket
import threading
from typing import Any

from flask import Flask
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from notifications.sandbox.bench import Bench
from notifications.sandbox.smtp import SmtpSink


class PortTaken(Exception):
    """Somebody else listens there."""


class _Handler(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002  werkzeug's name for it
        """Keep quiet: numbers and addresses stand in paths."""

    def connection_dropped(self, error: BaseException, environ: Any = None) -> None:
        """Wait for no further request on a connection that was dropped on purpose."""
        self.close_connection = True


class _Server(ThreadedWSGIServer):
    def shutdown_request(self, request: Any) -> None:
        """Close without a goodbye first, so that a connection told to linger for no time is reset."""
        self.close_request(request)


class SandboxServer:
    """A sandbox that listens. Raises PortTaken."""

    def __init__(self, app: Flask, host: str, port: int) -> None:
        self.bench: Bench = app.extensions["bench"]
        try:
            listening = socket.create_server((host, port), backlog=256)
        except OSError as trouble:
            raise PortTaken(f"The sandbox cannot listen on {host}:{port}: {trouble.strerror}.") from trouble
        with listening:
            self._server = _Server(host, port, app, _Handler, fd=listening.fileno())
        try:
            self.smtp = SmtpSink(self.bench, host, self.bench.config.smtp_port)
        except OSError as trouble:
            self._server.server_close()
            place = f"{host}:{self.bench.config.smtp_port}"
            raise PortTaken(f"The sandbox takes no mail at {place}: {trouble.strerror}.") from trouble
        self.bench.smtp_at = f"{host}:{self.smtp.port}"
        self.url = f"http://{host}:{self._server.socket.getsockname()[1]}"

    def serve(self) -> None:
        """Serve until stopped from another thread or by an exception in this one."""
        self.smtp.start()
        try:
            self._server.serve_forever(poll_interval=0.02)
        finally:
            self.smtp.stop()
            self._server.server_close()
            self.bench.close()

    def start(self) -> None:
        """Serve in a thread of its own."""
        threading.Thread(target=self.serve, name="sandbox-server", daemon=True).start()

    def stop(self) -> None:
        """Stop serving; hanging requests are let go."""
        self.bench.scheduler.stop()
        self._server.shutdown()
