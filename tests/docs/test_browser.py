"""The documentation's pages in a real browser."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Request, expect

from tests.support.browser import open_page
from tests.support.service import JOB_SECONDS, Service, until


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with open_page() as page:
        yield page


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
    page.locator("#operations-graphs-createGraph").click()
    choices: Any = page.locator("select.examples-select-element, .examples-select select").first
    expect(choices).to_be_visible()
    names = choices.inner_text()
    for name in ("dense", "multi", "shared", "layer"):
        assert name in names.lower()


@pytest.mark.slow
def test_swagger_ui_sends_the_key_that_is_entered(service: Service, page: Page) -> None:
    page.goto(f"{service.address}/docs", wait_until="networkidle")
    page.get_by_role("button", name="Authorize").first.click()
    dialog = page.locator(".modal-ux")
    dialog.locator("input").fill("gf_a-key")
    dialog.get_by_role("button", name="Apply credentials").click()
    dialog.get_by_role("button", name="Close").click()
    operation = page.locator("#operations-service-getInfo")
    operation.locator("button").first.click()
    operation.get_by_role("button", name="Try it out").click()
    with page.expect_request("**/v1/info") as sent:
        operation.get_by_role("button", name="Execute").click()
    assert sent.value.headers["authorization"] == "Bearer gf_a-key"


def try_out(page: Page, operation: str) -> Locator:
    """Opens an operation such as `jobs-createJob`, and presses its "Try it out"."""
    opened = page.locator(f"#operations-{operation}")
    opened.locator("button").first.click()
    opened.get_by_role("button", name="Try it out").click()
    return opened


def execute(page: Page, operation: Locator, address: str) -> Any:
    """Presses "Execute", and returns the JSON that the service answers at this address.

    The page adds a query if the operation has parameters with defaults.
    """
    with page.expect_response(lambda answer: answer.url.split("?")[0] == address) as answered:
        operation.get_by_role("button", name="Execute").click()
    assert answered.value.ok, answered.value.text()
    return answered.value.json()


@pytest.mark.slow
def test_try_it_out_alone_trains_and_predicts(service: Service, page: Page) -> None:
    page.goto(f"{service.address}/docs", wait_until="networkidle")
    jobs = f"{service.address}/v1/jobs"
    create = try_out(page, "jobs-createJob")
    job = execute(page, create, jobs)
    expect(create.locator(".live-responses-table")).to_contain_text(job["id"])
    get = try_out(page, "jobs-getJob")
    get.locator("tr[data-param-name=id] input").fill(job["id"])

    def ended() -> Any:
        found = execute(page, get, f"{jobs}/{job['id']}")
        return found if found["is_terminal"] else None

    trained = until(ended, "the end of the job", JOB_SECONDS, pause=0.5)
    assert trained["state"] == "succeeded", trained["error"]
    predict = try_out(page, "models-predict")
    predict.locator("tr[data-param-name=id] input").fill(trained["model"])
    address = f"{service.address}/v1/models/{trained['model']}:predict"
    rows = execute(page, predict, address)["predictions"]
    assert [row.index(max(row)) for row in rows] == [0, 1, 2]  # the species of the example


def test_the_first_operation_of_the_page_trains(service: Service, page: Page) -> None:
    page.goto(f"{service.address}/docs", wait_until="networkidle")
    expect(page.locator(".opblock-summary-path").first).to_have_text("/v1/jobs")
    expect(page.locator(".opblock-summary-method").first).to_have_text("POST")
    steps = page.locator(".info ol li")
    expect(steps).to_have_count(3)
    for step, path in enumerate(("/v1/jobs", "/v1/jobs/{id}", "/v1/models/{id}:predict")):
        expect(steps.nth(step)).to_contain_text(path)


def test_redoc_sends_no_request_outside(service: Service, page: Page) -> None:
    requested = requests_of(page, f"{service.address}/redoc")
    assert [url for url in requested if not url.startswith(service.address)] == []
    expect(page.get_by_role("heading", name="Graphfit").first).to_be_visible()


def test_the_root_path_redirects_to_the_documentation(service: Service) -> None:
    answer = service.client.get("/", follow_redirects=True)
    assert answer.url.path == "/docs"
    assert answer.status_code == 200
