"""The documentation's pages in a real browser."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, Request, expect, sync_playwright

from tests.support.require import require_program
from tests.support.service import Service

OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    chromium = require_program("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=OPTIONS)
        yield browser.new_page()
        browser.close()


def requests_of(page: Page, address: str) -> list[str]:
    requested: list[str] = []

    def note(request: Request) -> None:
        requested.append(request.url)

    page.on("request", note)
    page.goto(address, wait_until="networkidle")
    page.remove_listener("request", note)
    return [url for url in requested if not url.startswith(("data:", "blob:"))]


def test_swagger_ui_sends_no_request_outside_and_shows_the_examples(
    service: Service, page: Page
) -> None:
    requested = requests_of(page, f"{service.address}/docs")
    assert [url for url in requested if not url.startswith(service.address)] == []
    page.locator(
        "#operations-graphs-create_graph_v1_graphs_post, [id*=graphs][id*=post]"
    ).first.click()
    choices: Any = page.locator("select.examples-select-element, .examples-select select").first
    expect(choices).to_be_visible()
    names = choices.inner_text()
    for name in ("dense", "multi", "shared", "layer"):
        assert name in names.lower()


def test_swagger_ui_sends_the_key_that_is_entered(service: Service, page: Page) -> None:
    page.goto(f"{service.address}/docs", wait_until="networkidle")
    page.get_by_role("button", name="Authorize").first.click()
    dialog = page.locator(".modal-ux")
    dialog.locator("input").fill("gf_a-key")
    dialog.get_by_role("button", name="Apply credentials").click()
    dialog.get_by_role("button", name="Close").click()
    operation = page.locator("[id*=operations-service-get_info]")
    operation.locator("button").first.click()
    operation.get_by_role("button", name="Try it out").click()
    with page.expect_request("**/v1/info") as sent:
        operation.get_by_role("button", name="Execute").click()
    assert sent.value.headers["authorization"] == "Bearer gf_a-key"


def test_redoc_sends_no_request_outside(service: Service, page: Page) -> None:
    refused: list[str] = []
    page.on("requestfailed", lambda request: refused.append(request.url))
    requested = requests_of(page, f"{service.address}/redoc")
    outside = [url for url in requested if not url.startswith(service.address)]
    assert [url for url in outside if url not in refused] == []
    expect(page.get_by_role("heading", name="Graphfit").first).to_be_visible()


def test_the_root_path_redirects_to_the_documentation(service: Service) -> None:
    answer = service.client.get("/", follow_redirects=True)
    assert answer.url.path == "/docs"
    assert answer.status_code == 200
