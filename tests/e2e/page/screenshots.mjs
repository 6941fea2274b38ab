// Pictures for the README, of what the flows before have made. Taken where `WINDLASS_SCREENSHOTS` names a folder.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { test } from "node:test";
import { ask, base, enter, given, visit } from "./browser.mjs";

const folder = process.env.WINDLASS_SCREENSHOTS;

/** Size of a picture, in pixels. */
const VIEW = { width: 1200, height: 800 };

for (const [name, colorScheme, pathOf] of [
  ["job", "light", () => `/jobs/${given("WINDLASS_PAGE_FAILED")}`],
  ["app", "dark", ({ project, name: app, environment }) => `/projects/${project}/apps/${app}/${environment}`],
]) {
  test(`a picture of the page, ${name}.png, ${colorScheme}`, { skip: !folder }, async () => {
    // The tests run in a folder of the cache.
    assert.ok(isAbsolute(folder), `WINDLASS_SCREENSHOTS=${folder}: expected an absolute path`);
    mkdirSync(folder, { recursive: true });
    await visit({ colorScheme, reducedMotion: "reduce", viewport: VIEW }, async (page) => {
      await enter(page);
      const { app } = await ask(page, `/api/jobs/${given("WINDLASS_PAGE_ENDED")}`);
      await page.goto(base + pathOf(app));
      await page.getByRole("heading", { level: 1 }).waitFor();
      await page.locator(".skeleton").waitFor({ state: "detached" });
      if (name === "job") await page.locator(".log-row.error, .log-row.warning").first().waitFor();
      await page.evaluate(() => { scrollTo(0, 0); document.activeElement?.blur(); });
      await page.screenshot({ path: join(folder, `${name}.png`), animations: "disabled" });
    });
  });
}
