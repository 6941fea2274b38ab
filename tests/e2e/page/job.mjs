// A job that ended: why it failed, and a log of any length.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, base, enter, given, shown, until, visit } from "./browser.mjs";

test("a failure is explained on top, and the log opens where it is", async () => {
  await visit({}, async (page) => {
    const id = given("WINDLASS_PAGE_FAILED");
    await enter(page, undefined, `/jobs/${id}`);
    const { ended } = await ask(page, `/api/jobs/${id}`);
    const card = page.getByRole("region", { name: "Diagnosis" });
    await card.getByRole("heading", { name: ended.diagnosis.what }).waitFor();
    for (const fix of ended.diagnosis.fixes) await card.getByText(fix).waitFor();
    assert.match(await page.title(), /^✕ /);
    const icon = await page.locator("link[rel=icon]").getAttribute("href");
    assert.ok(icon.startsWith("data:image/svg+xml"), icon);
    await page.locator(".log-row.error, .log-row.warning").first().waitFor();
  });
});

test("an address leads to a line, and a line to its address", async () => {
  await visit({}, async (page) => {
    const id = given("WINDLASS_PAGE_LONG");
    await enter(page);
    await page.goto(`${base}/jobs/${id}#L5000-L5002`);
    await page.locator(".log-row.picked").first().waitFor({ timeout: 60_000 });
    const picked = await page.locator(".log-row.picked a.number").evaluateAll((all) => all.map((one) => one.dataset.n));
    assert.deepEqual(picked, ["5000", "5001", "5002"]);
    await page.locator(".log-row a.number[data-n='5001']").click();
    assert.equal(new URL(page.url()).hash, "#L5001");
    assert.equal(await page.locator(".log-row.picked").count(), 1);
  });
});

test("100,000 lines are scrolled and searched with few rows in the page", async () => {
  await visit({}, async (page) => {
    const id = given("WINDLASS_PAGE_LONG");
    await enter(page, undefined, `/jobs/${id}`);
    const text = () => page.locator(".log-bar .quiet").first().textContent();
    await until("all lines are there", async () => {
      const now = await text();
      return !now.includes("reading") && Number(now.replaceAll(/[^\d]/g, "")) >= 100_000;
    }, 90);
    const field = page.getByLabel("Search the log");
    const { events } = await ask(page, `/api/jobs/${id}/events?after=60000&limit=200`);
    const wanted = events.find((event) => event.log && event.log.line.length > 12);
    await field.fill(wanted.log.line);
    await field.press("Enter");
    await page.locator(".log-row.hit mark").first().waitFor();
    const rows = await shown(page);
    assert.ok(rows.some((row) => row.seq === wanted.seq), "the hit is on the screen");
    const count = await page.locator(".log-row").count();
    assert.ok(count < 150, `${count} rows are in the page`);
    const box = page.getByRole("log");
    await box.focus();
    await page.keyboard.press("End");
    await until("the end is seen", () => box.evaluate((one) => one.scrollHeight - one.scrollTop - one.clientHeight < 3));
    await page.keyboard.press("Home");
    await until("the beginning is seen", () => box.evaluate((one) => one.scrollTop === 0));
  });
});

test("keys find the search, and what is printed is text", async () => {
  await visit({}, async (page) => {
    await enter(page, undefined, `/jobs/${given("WINDLASS_PAGE_FAILED")}`);
    const box = page.getByRole("log");
    await box.focus();
    await page.keyboard.press("Control+f");
    assert.ok(await page.getByLabel("Search the log").evaluate((field) => field === document.activeElement));
    assert.equal(await page.locator(".log-box :is(img, script, iframe)").count(), 0);
    const raw = await page.request.get(`${base}/api/jobs/${given("WINDLASS_PAGE_FAILED")}/log`);
    assert.equal(raw.headers()["content-type"], "text/plain; charset=utf-8");
  });
});
