// Rules of accessibility on each page, in both schemes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, base, enter, faults, given, visit } from "./browser.mjs";

for (const colorScheme of ["light", "dark"]) {
  test(`no page has a serious fault for readers of the screen or for the eye: ${colorScheme}`, async () => {
    await visit({ colorScheme, reducedMotion: "reduce" }, async (page) => {
      await page.goto(`${base}/login`);
      await page.getByLabel("Token").waitFor();
      const found = [];
      const look = async (path) => { found.push(...await faults(page, path)); };
      await look("/login");
      await enter(page);
      const ended = given("WINDLASS_PAGE_ENDED");
      const { app } = await ask(page, `/api/jobs/${ended}`);
      for (const path of ["/", "/jobs", `/jobs/${ended}`, `/jobs/${given("WINDLASS_PAGE_FAILED")}`, `/jobs/${given("WINDLASS_PAGE_LIVE")}`,
        `/projects/${app.project}`, `/projects/${app.project}/apps/${app.name}/${app.environment}`,
        `/jobs/${given("WINDLASS_PAGE_HELD")}`, `/jobs/${given("WINDLASS_PAGE_CANARY")}`, `/projects/${app.project}/previews`, `/projects/${app.project}/deliveries`, `/projects/${app.project}/outbox`, `/projects/${app.project}/own`, "/plugins", "/clusters"]) {
        await page.goto(base + path);
        await page.getByRole("heading", { level: 1 }).waitFor();
        await page.locator(".skeleton").waitFor({ state: "detached" });
        await page.waitForTimeout(500);
        await look(path);
      }
      assert.deepEqual(found, []);
    });
  });
}

test("the keyboard alone leads to the content and through a question", async () => {
  await visit({}, async (page) => {
    await enter(page, undefined, `/jobs/${given("WINDLASS_PAGE_LIVE")}`);
    await page.locator(".badge.large").waitFor();
    await page.evaluate(() => { document.activeElement?.blur(); scrollTo(0, 0); });
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the content");
    const cancel = page.getByRole("button", { name: "Cancel job" });
    await cancel.focus();
    await page.keyboard.press("Enter");
    await page.getByRole("dialog", { name: "Cancel this job?" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
  });
});
