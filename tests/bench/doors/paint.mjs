// Opens the page as somebody who was never there, some times, and prints when it was painted and what it loaded: JSON.
// The bench copies this file beside the browser's driver.

import { chromium } from "playwright-core";

/** Visits, each with an empty cache. */
const VISITS = 9;

const { WINDLASS_PAGE: base, WINDLASS_PAGE_COOKIE: cookie, WINDLASS_PAGE_CHROMIUM: chosen } = process.env;
const browser = await chromium.launch({ executablePath: chosen ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
const views = [];
try {
  for (let visit = 0; visit < VISITS; visit++) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
    const [name, value] = cookie.split("=");
    await context.addCookies([{ name, value, url: base }]);
    const page = await context.newPage();
    await page.goto(base);
    await page.getByRole("navigation", { name: "Main" }).waitFor();
    await page.waitForFunction(() => performance.getEntriesByName("first-contentful-paint").length > 0);
    views.push(await page.evaluate(() => {
      const loaded = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
      return {
        paint: performance.getEntriesByName("first-contentful-paint")[0].startTime,
        bytes: loaded.reduce((sum, one) => sum + one.transferSize, 0),
      };
    }));
    await context.close();
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(views));
