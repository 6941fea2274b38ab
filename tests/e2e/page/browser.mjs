// The browser, pages that fail at what a visitor would not see, and the variables that the tests need.

import { AxeBuilder } from "@axe-core/playwright";
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { chromium } from "playwright-core";

/** Returns a variable, which must be there: see README.md. */
export function given(name) {
  const value = process.env[name];
  assert.ok(value, `${name} is missing: see tests/e2e/page/README.md`);
  return value;
}

export const base = given("WINDLASS_PAGE");
export const token = given("WINDLASS_PAGE_TOKEN");
export const reader = given("WINDLASS_PAGE_READER");

let browser;

before(async () => {
  const executablePath = process.env.WINDLASS_PAGE_CHROMIUM ?? "/usr/bin/chromium";
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
});

after(() => browser?.close());

/** Errors that a test expects, such as a connection that is cut. */
const CUT = /ERR_CONNECTION|ERR_EMPTY_RESPONSE|WebSocket connection|Failed to load resource|ERR_INCOMPLETE/;

/** Opens a page of a visitor of its own, runs `what` with it, and fails for each error that it printed. */
export async function visit(options, what) {
  const { isCut = false, expected = [], ...rest } = options;
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...rest });
  const errors = [];
  context.on("weberror", (error) => errors.push(`exception: ${error.error().stack}`));
  context.on("console", (message) => {
    const text = message.text();
    if (message.type() !== "error" || (isCut && CUT.test(text))) return;
    if (!expected.some((one) => one.test(text))) errors.push(text);
  });
  const page = await context.newPage();
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => {
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
    });
  });
  try {
    await what(page, context);
  } finally {
    await context.close();
  }
  assert.deepEqual(errors, []);
}

/** Logs in as people do. */
export async function enter(page, secret = token, to = "/", at = base) {
  await page.goto(`${at}/login?to=${encodeURIComponent(to)}`);
  await page.getByLabel("Token").fill(secret);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("navigation", { name: "Main" }).waitFor();
}

/** Returns what the daemon answers to a request of the page itself. */
export function ask(page, path) {
  return page.evaluate(async (address) => (await fetch(address)).json(), path);
}

/** Returns the lines of the log that are on the screen, with their numbers. */
export function shown(page) {
  return page.locator(".log-row:not(.header)").evaluateAll((rows) => rows
    .map((row) => ({ seq: Number(row.querySelector("a.number")?.dataset.n ?? 0), text: row.querySelector(".text").textContent }))
    .filter((row) => row.seq));
}

/** Returns the number of the last line on the screen. */
export async function newest(page) {
  const rows = await shown(page);
  return Math.max(0, ...rows.map((row) => row.seq));
}

/** Returns the serious faults of a page for readers of the screen and for the eye. */
export async function faults(page, path) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${path}: ${id}: ${nodes.slice(0, 3).map((node) => `${node.html} ${node.any[0]?.message ?? ""}`).join("\n  ")}`);
}

/** Returns the pixels by which a page is wider than its screen. */
export const beyond = (page) => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);

/** Waits until something is true. */
export async function until(what, is, seconds = 20) {
  const end = Date.now() + seconds * 1000;
  let last;
  while (Date.now() < end) {
    last = await is();
    if (last) return last;
    await new Promise((done) => { setTimeout(done, 100); });
  }
  assert.fail(`not within ${seconds} s: ${what}`);
}
