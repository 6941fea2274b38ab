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

test("keys find the search", async () => {
  await visit({}, async (page) => {
    await enter(page, undefined, `/jobs/${given("WINDLASS_PAGE_FAILED")}`);
    const box = page.getByRole("log");
    await box.focus();
    await page.keyboard.press("Control+f");
    assert.ok(await page.getByLabel("Search the log").evaluate((field) => field === document.activeElement));
  });
});

test("what is printed is text, and a line without an end is cut", async () => {
  await visit({}, async (page) => {
    const id = given("WINDLASS_PAGE_FAILED");
    await enter(page, undefined, `/jobs/${id}`);
    await page.locator(".log-row").first().waitFor();
    const title = await page.title();
    const field = page.getByLabel("Search the log");
    // The lines are of a step that went well, which is folded: a search opens it.
    const find = async (text) => {
      await field.fill(text);
      await field.press("Enter");
      const line = page.locator(".log-row.hit .text").first();
      await until(`a hit of ${text}`, async () => await line.count() > 0 && (await line.textContent()).includes(text));
      return line;
    };
    assert.equal(await (await find("<img src=x")).textContent(), '<img src=x onerror="document.title=1">');
    assert.equal(await (await find("press me")).textContent(), "press me now");
    const long = await find("xxxxxxxxxxxxxxxx");
    await long.getByRole("button", { name: /more character/ }).waitFor();
    const length = (await long.textContent()).length;
    assert.ok(length > 4096 && length < 4200, `${length} characters are in the row`);
    assert.equal(await page.locator(".log-box :is(img, script, iframe)").count(), 0);
    assert.equal(await page.locator("a[href^='javascript' i]").count(), 0);
    assert.equal(await page.title(), title, "no script has run");
    const raw = await page.request.get(`${base}/api/jobs/${id}/log`);
    assert.equal(raw.headers()["content-type"], "text/plain; charset=utf-8");
    assert.ok((await raw.text()).includes('<img src=x onerror="document.title=1">'), "as it was printed");
  });
});

test("all hits of a text are found by the daemon, in parts that can be stopped, and lead to their lines", async () => {
  await visit({}, async (page) => {
    const id = given("WINDLASS_PAGE_LONG");
    await enter(page, undefined, `/jobs/${id}`);
    const field = page.getByLabel("Search the log");
    await field.fill("line 50000 of it");
    await page.getByRole("button", { name: "List all hits" }).click();
    const hits = page.getByRole("region", { name: "All hits" });
    await hits.getByText("1 hit in the whole log").waitFor({ timeout: 60_000 });
    const hit = hits.getByRole("link");
    const seq = Number((await hit.getAttribute("href")).slice(2));
    const { events } = await ask(page, `/api/jobs/${id}/events?after=${seq - 1}&limit=1`);
    assert.equal(events[0].log.line, "line 50000 of it");
    await until("the line is held by the page", async () => {
      await hit.click();
      return page.locator(`.log-row.picked a.number[data-n='${seq}']`).isVisible();
    }, 90);
    await field.fill("of it");
    await hits.getByRole("button", { name: "Search on" }).waitFor({ timeout: 60_000 });
    const before = await hits.getByRole("link").count();
    assert.ok(before >= 500 && before < 1000, `${before} hits`);
    // An answer that does not come is given up by the reader, and not waited for.
    await page.route("**/search*", () => undefined);
    await hits.getByRole("button", { name: "Search on" }).click();
    await hits.getByRole("button", { name: "Stop" }).click();
    await hits.getByText(", stopped").waitFor();
    await page.unroute("**/search*");
    await hits.getByRole("button", { name: "Search on" }).click();
    await until("it goes on where it stopped", async () => await hits.getByRole("link").count() > before);
  });
});
