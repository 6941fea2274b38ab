// The end of a push's way: the line that its build printed, its delivery, and the messages about it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, base, enter, given, shown, until, visit } from "./browser.mjs";

test("the status at the forge leads to the line that the build of the push printed", async () => {
  const at = given("WINDLASS_PAGE_PUSHED");
  const path = new URL(at).pathname;
  await visit({}, async (page) => {
    await enter(page);
    await page.goto(at);
    await page.locator(".badge.large").getByText("Succeeded").waitFor();
    const field = page.getByLabel("Search the log");
    await field.fill("pushed-42");
    await until("the line is found", async () => {
      await field.press("Enter");
      return (await shown(page)).some((row) => row.text === "pushed-42");
    });
    const { app } = await ask(page, `/api${path}`);
    await page.goto(`${base}/projects/${app.project}/deliveries`);
    await page.locator(".verdicts").getByText("Deployed", { exact: true }).first().waitFor();
    await page.locator(`.verdicts a[href="${path}"]`).first().click();
    await page.waitForURL(at);
    await page.goto(`${base}/projects/${app.project}/outbox`);
    const message = page.locator(".row").filter({ has: page.locator(`a[href="${path}"]`) });
    for (const kind of ["status", "endpoint"]) {
      await message.filter({ hasText: kind }).getByText("Delivered").first().waitFor();
    }
  });
  assert.ok(at.startsWith(base), at);
});
