"""The product over HTTP, and Chromium before it. Whatever a page says on its console fails the test."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from tests.people import Cast
from tests.sandbox import Sandbox
from tests.story.driver import Story

Visit = Callable[..., Page]


@pytest.fixture
def served(app: Flask) -> Iterator[str]:
    """The product at an address of its own, with the protection of forms that it has in earnest."""
    app.config["WTF_CSRF_ENABLED"] = True
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()
    app.config["WTF_CSRF_ENABLED"] = False


@pytest.fixture
def story(app: Flask, cast: Cast, sandbox: Sandbox, clock: Any, work: Callable[[], None]) -> Story:
    """What happens outside the browser: reports, the clock, the providers."""
    return Story(app, cast, sandbox, clock, work, twice=False)


@pytest.fixture
def visit(chromium: Browser, served: str) -> Iterator[Visit]:
    """Open a browser of one's own: `visit(width=390, javascript=False)`."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(watched(chromium, served, **options))


# Chromium remarks it when somebody types before a page has put the cursor where it wanted.
TOO_QUICK = "Autofocus processing was blocked"


@contextmanager
def watched(
    browser: Browser, address: str, *, width: int = 1280, javascript: bool = True, scheme: Any = "light"
) -> Iterator[Page]:
    """A page that must stay silent on its console, and ask nobody but the product for anything."""
    context = browser.new_context(
        base_url=address, java_script_enabled=javascript, color_scheme=scheme,
        viewport={"width": width, "height": 900 if width > 600 else 844},
    )  # fmt: skip
    context.set_default_timeout(15_000)
    page, said, asked = context.new_page(), [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    yield page
    context.close()
    assert [each for each in said if not each.startswith(TOO_QUICK)] == []
    assert [url for url in asked if not url.startswith((f"{address}/", "data:"))] == []
