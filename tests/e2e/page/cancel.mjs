// The last test: it ends the job that the others watched.

import { test } from "node:test";
import { base, enter, given, visit } from "./browser.mjs";

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
