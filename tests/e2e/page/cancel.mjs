// The last tests: they pause and end the job that the others watched.

import assert from "node:assert/strict";
import { test } from "node:test";
import { base, enter, given, visit } from "./browser.mjs";

test("a job that is paused while it is built says so, and is resumed on its page", async () => {
  const live = given("WINDLASS_PAGE_LIVE");
  await visit({}, async (page) => {
    await enter(page, undefined, `/jobs/${live}`);
    // As by the command line.
    const status = await page.evaluate(async (address) => {
      const headers = { "content-type": "application/json" };
      return (await fetch(address, { method: "POST", headers, body: JSON.stringify({ note: "not yet" }) })).status;
    }, `/api/jobs/${live}/pause`);
    assert.equal(status, 200);
    await page.reload();
    const card = page.getByRole("region", { name: "On its way" });
    await card.getByText("Paused by owner").waitFor();
    await card.getByText("not yet").waitFor();
    assert.equal(await card.getByRole("button", { name: "Abort" }).count(), 0, "nothing is released yet");
    await card.getByRole("button", { name: "Resume" }).click();
    await card.waitFor({ state: "detached" });
  });
});

test("a job is cancelled in one tab, and the other one shows it", async () => {
  const live = given("WINDLASS_PAGE_LIVE");
  await visit({}, async (page, context) => {
    await enter(page, undefined, `/jobs/${live}`);
    const other = await context.newPage();
    await other.goto(`${base}/jobs/${live}`);
    await other.locator(".live").getByText("Live").waitFor();
    await page.getByRole("button", { name: "Cancel job" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel job" }).click();
    for (const tab of [page, other]) {
      await tab.locator(".badge.large").getByText("Stopped").waitFor({ timeout: 60_000 });
      await tab.getByRole("heading", { name: /Stopped: cancelled by/ }).waitFor();
      await tab.getByRole("button", { name: "Submit again" }).waitFor();
    }
  });
});
