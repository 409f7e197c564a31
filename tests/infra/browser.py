"""A backfill as a person starts it: in the browser, two nights at once."""

import re
from typing import TYPE_CHECKING

from playwright.sync_api import Page, expect, sync_playwright

from tests.infra.nights import NIGHTS, ROOT

if TYPE_CHECKING:
    from infra.services import Services

ARTIFACTS = ROOT / "test-artifacts"
_MINUTE_MS = 60_000


def choose_time_zone(page: Page, name: str) -> None:
    page.get_by_role("button", name="+00:00").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox").click()
    page.keyboard.type(name)
    page.keyboard.press("Enter")
    expect(dialog.get_by_text(f"Current time in {name}")).to_be_visible()
    page.keyboard.press("Escape")


def fill_in_backfill(page: Page, at_once: int) -> None:
    page.get_by_test_id("trigger-dag-button").click()
    dialog = page.get_by_role("dialog").first
    dialog.get_by_text("Run this Dag for a range of dates").click()
    for night in NIGHTS:
        dialog.get_by_text("Select date and time").first.click()
        calendar = page.locator("[data-scope=popover][data-state=open]")
        calendar.get_by_placeholder("YYYY/MM/DD").fill(night.strftime("%Y/%m/%d"))
        calendar.get_by_placeholder("HH:mm").fill("00:00")
        page.keyboard.press("Enter")
        page.keyboard.press("Escape")
    dialog.locator("[name=max_active_runs]").fill(str(at_once))
    expect(dialog.get_by_text(f"{len(NIGHTS)} runs will be triggered.")).to_be_visible()


def wait_for_runs(page: Page, running: "Services") -> None:
    """Wait up to 25 minutes, on a blank page: the page of the runs refreshes itself and would take CPU from the nights."""
    page.goto("about:blank")
    for _ in range(25 * 60 // 5):
        page.wait_for_timeout(5_000)
        if sum(run["state"] in ("success", "failed") for run in running.api.runs("nightly", *NIGHTS)) == len(NIGHTS):
            return


def backfill_in_browser(chromium: str, running: "Services") -> None:
    address = running.addresses()["Airflow"]
    with sync_playwright() as playwright:
        # Debian's chromium cannot make its sandbox as root, as which CI runs.
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 1000}, reduced_motion="reduce")
        page.set_default_timeout(_MINUTE_MS)
        expect.set_options(timeout=_MINUTE_MS)
        page.goto(f"{address}/dags/nightly")
        choose_time_zone(page, "Asia/Shanghai")
        fill_in_backfill(page, at_once=2)
        page.screenshot(path=ARTIFACTS / "backfill-form.png")
        page.get_by_role("button", name="Run Backfill").click()
        expect(page.get_by_role("dialog")).to_have_count(0)

        wait_for_runs(page, running)
        page.goto(f"{address}/dags/nightly/runs")
        finished = page.get_by_role("row").filter(has_text=re.compile(r"Success|Failed"))
        expect(finished).to_have_count(len(NIGHTS))
        expect(finished.filter(has_text="Success")).to_have_count(len(NIGHTS))
        page.goto(f"{address}/dags/nightly")
        expect(page.get_by_text("publish").first).to_be_visible()
        page.wait_for_load_state("networkidle")
        page.screenshot(path=ARTIFACTS / "backfill.png")
        browser.close()
