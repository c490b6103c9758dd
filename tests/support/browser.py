"""A page of a real browser, which waits as long as a loaded machine needs."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, expect, sync_playwright

from tests.support.require import require_program
from tests.support.service import JOB_SECONDS

OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@contextmanager
def open_page() -> Iterator[Page]:
    """Gives an empty page of Chromium; without Chromium, the test is skipped."""
    chromium = require_program("chromium")
    expect.set_options(timeout=1000 * JOB_SECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=OPTIONS)
        page = browser.new_page()
        page.set_default_timeout(1000 * JOB_SECONDS)
        yield page
        browser.close()
