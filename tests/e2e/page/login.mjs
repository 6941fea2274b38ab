// Who may come in, and what a browser keeps of it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, base, enter, given, token, visit } from "./browser.mjs";

const REFUSED = [/status of 401/, /status of 403/];

test("a login link opens a session once, and its code does not stay in the address", async () => {
  const link = given("WINDLASS_PAGE_LINK");
  await visit({}, async (page, context) => {
    await page.goto(`${link}&to=/jobs`);
    await page.getByRole("heading", { name: "Jobs", level: 1 }).waitFor();
    assert.equal(page.url(), `${base}/jobs`);
    const { name, session } = await ask(page, "/api/me");
    assert.deepEqual([name, session], ["owner", true]);
    const cookie = (await context.cookies()).find((one) => one.name.endsWith("windlass"));
    assert.ok(cookie.httpOnly && cookie.sameSite === "Strict", JSON.stringify(cookie));
  });
  await visit({ expected: REFUSED }, async (page, context) => {
    await page.goto(link);
    await page.getByRole("alert").getByText("the login link was used").waitFor();
    assert.equal(page.url(), `${base}/login`);
    assert.deepEqual(await context.cookies(), []);
  });
});

test("a token opens a session whose cookie no script reads", async () => {
  await visit({ expected: REFUSED }, async (page, context) => {
    await page.goto(`${base}/jobs`);
    await page.waitForURL(/\/login\?to=/);
    await page.getByLabel("Token").fill("no token of anybody, though it is long enough");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").getByText("the token is unknown").waitFor();
    await page.getByLabel("Token").fill(token);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Jobs" }).waitFor();
    assert.equal(new URL(page.url()).pathname, "/jobs");
    const cookie = (await context.cookies()).find((one) => one.name.endsWith("windlass"));
    assert.ok(cookie.httpOnly && cookie.sameSite === "Strict", JSON.stringify(cookie));
    const stored = await page.evaluate(() => document.cookie + localStorage.length + sessionStorage.length);
    assert.equal(stored, "00");
  });
});

test("leaving everywhere ends the session in another tab, too", async () => {
  await visit({ expected: REFUSED, isCut: true }, async (page, context) => {
    await enter(page);
    const other = await context.newPage();
    await other.goto(`${base}/jobs`);
    await other.getByRole("heading", { name: "Jobs" }).waitFor();
    await page.getByRole("button", { expanded: false }).first().click();
    await page.getByRole("button", { name: "Log out everywhere" }).click();
    await page.getByLabel("Token").waitFor();
    await other.reload();
    await other.getByLabel("Token").waitFor();
  });
});

test("the page loads nothing from elsewhere, and is no frame of others", async () => {
  await visit({}, async (page) => {
    const hosts = new Set();
    page.on("request", (request) => {
      const { protocol, host } = new URL(request.url());
      if (protocol !== "data:") hosts.add(host);
    });
    await enter(page);
    assert.deepEqual([...hosts], [new URL(base).host]);
    const headers = (await page.request.get(base)).headers();
    assert.match(headers["content-security-policy"], /default-src 'self'.*frame-ancestors 'none'/);
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.equal(headers["referrer-policy"], "no-referrer");
  });
});
