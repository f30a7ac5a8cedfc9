"""`python -m notifications.sandbox`: starts the sandbox, or tells how a product is pointed at it."""

import argparse
import gc
import json
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

from notifications.sandbox.config import (
    DEFAULT_CALLBACK_URL,
    SandboxConfig,
    environment,
    probed_environment,
    second_environment,
)
from notifications.sandbox.keys import event_public_key


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m notifications.sandbox", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="folder of its ledger and keys")
    parser.add_argument("--bind", default="127.0.0.1:8073", help="host:port; port 0 takes a free one")
    parser.add_argument("--smtp-port", type=int, default=8074, help="of its mail server; 0 takes a free one")
    parser.add_argument("--speech", type=float, default=0.0, help="characters a call speaks in a second")
    parser.add_argument("--callback-url", default=DEFAULT_CALLBACK_URL, help="where the product is reached")
    parser.add_argument("--public-url", help="what the product calls itself, when that differs")
    parser.add_argument(
        "--openapi",
        type=Path,
        default=os.environ.get("BREACHCLOCK_SANDBOX_OPENAPI"),
        help="folder with the providers' own OpenAPI documents; what they refuse is refused",
    )
    parser.add_argument("--delay", type=float, default=0.08, help="seconds between delivery states")
    parser.add_argument("--cancel-margin", type=float, default=600.0, help="seconds; 600 at SendGrid")
    parser.add_argument("--callback-tries", type=int, default=8)
    parser.add_argument("--responder", help="a number that answers test pages by itself")
    parser.add_argument("--counts-only", action="store_true", help="keep no mail, count it (for benches)")
    parser.add_argument("--trusted-host", action="append", default=[], help="further name it is reached by")
    parser.add_argument(
        "--environment", action="store_true", help="print the product's variables as JSON and end"
    )
    return parser.parse_args()


def _listen_at(bind: str) -> tuple[str, int]:
    host, _, port = bind.rpartition(":")
    if not host or not port.isdigit():
        sys.exit(f"--bind is {bind!r}. Give host:port, such as 127.0.0.1:8073.")
    return host, int(port)


def main() -> None:
    """Run until interrupted or terminated; the first line printed is the address."""
    given = _arguments()
    host, port = _listen_at(given.bind)
    if given.environment:
        variables = environment(url=f"http://{given.bind}", public_key=event_public_key(given.home))
        variables |= second_environment(url=f"http://{given.bind}", smtp_at=f"{host}:{given.smtp_port}")
        variables |= probed_environment()
        print(json.dumps(variables, indent=1))  # noqa: T201  this is its answer
        return
    if given.counts_only:
        _count(host, port)
        return
    config = SandboxConfig(
        home=given.home,
        callback_url=given.callback_url,
        public_url=given.public_url,
        openapi=Path(given.openapi) if given.openapi else None,
        delay=given.delay,
        cancel_margin=given.cancel_margin,
        callback_tries=given.callback_tries,
        smtp_port=given.smtp_port,
        responder=given.responder,
        speech=given.speech,
        trusted_hosts=(host, *given.trusted_host),
    )
    _serve(config, host, port)


def _count(host: str, port: int) -> None:
    from notifications.sandbox.counting import CountingServer  # noqa: PLC0415

    signal.signal(signal.SIGTERM, _end)
    try:
        server = CountingServer(host, port)
        print(f"Sandbox ready: {server.url}", flush=True)  # noqa: T201  as of the whole one
        server.serve_forever(poll_interval=0.05)
    except OSError as trouble:
        sys.exit(f"The sandbox cannot listen on {host}:{port}: {trouble.strerror}.")
    except KeyboardInterrupt:
        return


def _serve(config: SandboxConfig, host: str, port: int) -> None:
    from notifications.sandbox.app import RealCredentials, create_sandbox  # noqa: PLC0415  --environment is quick
    from notifications.sandbox.server import PortTaken, SandboxServer  # noqa: PLC0415

    signal.signal(signal.SIGTERM, _end)
    gc.set_threshold(50_000, 20, 100)  # messages stay: to look through them all again and again finds nothing
    try:
        server = SandboxServer(create_sandbox(config), host, port)
        print(f"Sandbox ready: {server.url}", flush=True)  # noqa: T201  the starter waits for this line
        server.serve()
    except (RealCredentials, PortTaken) as problem:
        sys.exit(str(problem))
    except KeyboardInterrupt:
        return


def _end(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
