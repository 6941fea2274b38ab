// A job that runs: its lines as they come, across a restart of the daemon and in two tabs.

import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ask, base, enter, given, newest, shown, until, visit } from "./browser.mjs";
import { proxy } from "./proxy.mjs";

const live = given("WINDLASS_PAGE_LIVE");

/** Compares the lines on the screen with those of the journal: each is there once, and in its place. */
async function compare(page) {
  const rows = await shown(page);
  const numbers = rows.map((row) => row.seq);
  assert.equal(new Set(numbers).size, numbers.length, `a line is there twice: ${numbers}`);
  const first = Math.min(...numbers);
  const { events } = await ask(page, `/api/jobs/${live}/events?after=${first - 1}&limit=500`);
  const printed = new Map(events.filter((event) => event.log).map((event) => [event.seq, event.log.line]));
  let compared = 0;
  for (const { seq, text } of rows) {
    if (!printed.has(seq)) continue;
    compared++;
    assert.equal(text, printed.get(seq), `line ${seq}`);
  }
  assert.ok(compared > 3, `${compared} lines were compared`);
}

test("lines come as they are printed, and only a reader at the end is moved", async () => {
  await visit({}, async (page) => {
    await enter(page, undefined, `/jobs/${live}`);
    await page.locator(".live").getByText("Live").waitFor();
    const before = await until("a line is there", () => newest(page));
    await until("lines come", async () => await newest(page) > before + 10);
    await compare(page);
    const box = page.getByRole("log");
    const isLong = () => box.evaluate((one) => one.scrollHeight > one.clientHeight + 200);
    await until("the log is longer than its box", isLong, 60);
    await box.evaluate((one) => { one.scrollTop = 0; });
    await page.locator(".to-end").waitFor();
    assert.equal(await box.evaluate((one) => one.scrollTop), 0);
    await page.locator(".to-end").click();
    await until("the end is followed again", () => box.evaluate((one) => one.scrollHeight - one.scrollTop - one.clientHeight < 40));
  });
});

test("after a restart of the daemon each line is on the screen once", async () => {
  await visit({ isCut: true }, async (page) => {
    await enter(page, undefined, `/jobs/${live}`);
    await page.locator(".live").getByText("Live").waitFor();
    await until("a line is there", () => newest(page));
    const file = join(given("WINDLASS_PAGE_CONTROL"), "restart");
    writeFileSync(file, "");
    await page.locator(".live").getByText("Reconnecting").waitFor({ timeout: 60_000 });
    await until("the daemon was restarted", () => !existsSync(file), 120);
    await page.locator(".live").getByText("Live").waitFor({ timeout: 60_000 });
    const after = await newest(page);
    await until("lines come again", async () => await newest(page) > after + 5, 90);
    await compare(page);
  });
});

test("a proxy cuts the connection twenty times, and each line is on the screen once", async () => {
  const between = await proxy();
  try {
    await visit({ isCut: true }, async (page) => {
      await enter(page, undefined, `/jobs/${live}`, between.address);
      await page.locator(".live").getByText("Live").waitFor();
      for (let cut = 0; cut < 20; cut++) {
        const before = await until("a line is there", () => newest(page));
        between.cut();
        await until("lines come again", async () => await newest(page) > before + 3, 60);
      }
      await compare(page);
    });
  } finally {
    between.end();
  }
});

test("two tabs show the same job", async () => {
  await visit({}, async (page, context) => {
    await enter(page, undefined, `/jobs/${live}`);
    const other = await context.newPage();
    await other.goto(`${base}/jobs/${live}`);
    await other.locator(".live").getByText("Live").waitFor();
    const wanted = await newest(other) + 5;
    await until("both go on", async () => await newest(other) >= wanted && await newest(page) >= wanted);
  });
});
