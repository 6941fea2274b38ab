// What a caller without a verb sees, and what a page of another site gets.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { ask, base, enter, given, reader, visit } from "./browser.mjs";

const live = given("WINDLASS_PAGE_LIVE");
const ended = given("WINDLASS_PAGE_ENDED");

test("whoever may only read sees no button that changes anything", async () => {
  await visit({ expected: [/status of 403/] }, async (page) => {
    await enter(page, reader, `/jobs/${live}`);
    const { app } = await ask(page, `/api/jobs/${live}`);
    await page.locator(".badge.large").waitFor();
    for (const path of [`/jobs/${live}`, `/jobs/${ended}`, `/jobs/${given("WINDLASS_PAGE_HELD")}`, `/jobs/${given("WINDLASS_PAGE_CANARY")}`, `/projects/${app.project}/previews`, `/projects/${app.project}/apps/${app.name}/${app.environment}`,
      `/projects/${app.project}/deliveries`, `/projects/${app.project}/outbox`, `/projects/${app.project}/own`]) {
      await page.goto(base + path);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await page.locator(".skeleton").waitFor({ state: "detached" });
      const buttons = page.getByRole("button", { name: /cancel|submit again|roll back|replay|send again|approve|reject|remove|pause|resume|abort/i });
      assert.equal(await buttons.count(), 0, path);
    }
    // Here alone: on a job's page a stage has the name.
    assert.equal(await page.getByRole("button", { name: /^test/i }).count(), 0);
    assert.equal(await page.getByRole("link", { name: "Plugins" }).count(), 0);
    const status = await page.evaluate(async (id) => {
      const headers = { "content-type": "application/json" };
      return (await fetch(`/api/jobs/${id}/cancel`, { method: "POST", headers, body: "{}" })).status;
    }, live);
    assert.equal(status, 403);
  });
});

test("a page of another port of this machine opens no connection and changes nothing", async () => {
  const elsewhere = createServer((_, answer) => answer.setHeader("content-type", "text/html").end("<!doctype html><title>elsewhere</title>"));
  await new Promise((done) => { elsewhere.listen(0, "127.0.0.1", done); });
  const origin = `http://127.0.0.1:${elsewhere.address().port}`;
  try {
    await visit({ expected: [/./] }, async (page, context) => {
      await enter(page);
      const other = await context.newPage();
      await other.goto(origin);
      const opened = await other.evaluate((address) => new Promise((done) => {
        const socket = new WebSocket(address, ["windlass.v1"]);
        socket.onopen = () => done("opened");
        socket.onerror = () => done("refused");
      }), `${base.replace("http", "ws")}/api/live`);
      assert.equal(opened, "refused");
      const read = await other.evaluate((address) => fetch(address, { credentials: "include" }).then(() => "read", () => "refused"), `${base}/api/jobs`);
      assert.equal(read, "refused");
      // A form can send a text, and cookies go along: neither is enough.
      for (const type of ["text/plain", "application/x-www-form-urlencoded"]) {
        await other.evaluate(([address, kind]) => fetch(address, {
          method: "POST", mode: "no-cors", credentials: "include", headers: { "content-type": kind }, body: "{}",
        }).catch(() => undefined), [`${base}/api/jobs/${live}/cancel`, type]);
      }
      const { state } = await ask(page, `/api/jobs/${live}`);
      assert.equal(state, "running");
    });
  } finally {
    elsewhere.close();
  }
});

test("a rollback from what no longer serves is refused, with what serves", async () => {
  await visit({ expected: [/status of 409/] }, async (page) => {
    await enter(page);
    const { app } = await ask(page, `/api/jobs/${ended}`);
    const { status, body } = await page.evaluate(async ([names, to]) => {
      const path = `/api/apps/${names.project}/${names.name}/${names.environment}/rollback`;
      const answer = await fetch(path, {
        method: "POST", headers: { "content-type": "application/json" },
        body: JSON.stringify({ request_id: crypto.randomUUID(), to, expected: "0197c0de-seen-long-ago" }),
      });
      return { status: answer.status, body: await answer.json() };
    }, [app, ended]);
    assert.equal(status, 409);
    assert.equal(body.error.reason, "serves-another");
    assert.match(body.error.message, /now .* serves/);
  });
});
