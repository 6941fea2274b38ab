// What a project brings: registries and clusters of its own, hooks that were called, endpoints that take nothing.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, base, enter, given, reader, visit } from "./browser.mjs";

const ended = given("WINDLASS_PAGE_ENDED");
const registry = given("WINDLASS_PAGE_REGISTRY");
const cluster = given("WINDLASS_PAGE_CLUSTER");

/** Returns the card of a part by the heading that it has. */
const card = (page, name) => page.locator("article.own").filter({ has: page.getByRole("heading", { name, level: 3, exact: true }) });

async function project(page) {
  const { app } = await ask(page, `/api/jobs/${ended}`);
  return app.project;
}

test("registries and clusters of a project say who put them, and a test what is wrong", async () => {
  await visit({}, async (page) => {
    await enter(page);
    const name = await project(page);
    await page.goto(`${base}/projects/${name}`);
    await page.getByRole("navigation", { name: "Project" }).getByRole("link", { name: "Registries and clusters" }).click();
    await page.getByRole("heading", { name: "Registries and clusters", level: 1 }).waitFor();
    const brought = card(page, registry);
    await brought.getByText("by owner").waitFor();
    await brought.getByText("Put unchecked").waitFor();
    await brought.getByText("user bed", { exact: true }).waitFor();
    // The keyboard alone begins a test, and stays where it was.
    const button = brought.getByRole("button", { name: `Test ${registry}` });
    await button.focus();
    await page.keyboard.press("Enter");
    await brought.getByRole("status").getByText("push fails").waitFor();
    assert.match(await brought.getByRole("status").textContent(), /refuses the login/);
    assert.ok(await button.evaluate((element) => element === document.activeElement));
    const own = card(page, cluster);
    await own.getByText("elsewhere").first().waitFor();
    await own.getByRole("button", { name: `Test ${cluster}` }).click();
    await own.getByRole("status").getByText("Rights are missing").waitFor();
    assert.match(await own.getByLabel("Role that is missing").first().textContent(), /kind: Role/);
    // What changes them is typed elsewhere, with all that was put.
    await own.getByText("Change or remove").click();
    await own.getByText(`windlass cluster put ${name} ${cluster} --kubeconfig FILE --environment elsewhere`).waitFor();
    await brought.getByText("Change or remove").click();
    await brought.getByText(`windlass registry put ${name} ${registry} --push-user bed --push-password-file FILE`).waitFor();
    await brought.getByText(`windlass registry remove ${name} ${registry}`).waitFor();
    const text = await page.locator("main").textContent();
    assert.ok(!text.includes("it-is-another"), "no secret is shown");
  });
});

test("whoever may only read sees what a project brought, and tests nothing", async () => {
  await visit({ expected: [/status of 403/] }, async (page) => {
    await enter(page, reader);
    const name = await project(page);
    await page.goto(`${base}/projects/${name}/own`);
    await card(page, registry).getByText("by owner").waitFor();
    await card(page, cluster).getByText("by owner").waitFor();
    assert.equal(await page.getByRole("button", { name: /^test/i }).count(), 0);
    const tried = await page.evaluate(async (path) => {
      const headers = { "content-type": "application/json" };
      return (await fetch(path, { method: "POST", headers, body: "{}" })).status;
    }, `/api/projects/${name}/clusters/${cluster}/test`);
    assert.equal(tried, 403);
  });
});

test("a hook is shown with the time at which it was called last", async () => {
  await visit({}, async (page) => {
    await enter(page);
    const name = await project(page);
    const [hook] = await ask(page, `/api/projects/${name}/hooks`);
    assert.ok(hook.seen > 0, JSON.stringify(hook));
    await page.goto(`${base}/projects/${name}/deliveries`);
    const row = page.locator(".hooks .row");
    await row.getByText("Called", { exact: true }).waitFor();
    await row.getByText(hook.repository, { exact: true }).waitFor();
    await row.getByText(hook.path).waitFor();
    assert.equal(await row.locator("time").count(), 2, "when it was made, and when it was called");
  });
});

test("an endpoint that takes nothing is named with why, and so is it where others hear of it", async () => {
  await visit({}, async (page) => {
    await enter(page);
    const name = await project(page);
    const { unwell } = await ask(page, `/api/projects/${name}/outbox`);
    assert.deepEqual(unwell.map((one) => [one.name, one.health]), [["gone", "disabled"]]);
    await page.goto(`${base}/projects/${name}/outbox?state=done`);
    const notice = page.locator(".unwell").filter({ has: page.getByRole("heading", { name: "Endpoint gone is off" }) });
    await notice.getByText(/it answered 410/).waitFor();
    await notice.getByText(/has taken none since/).waitFor();
    await notice.getByText(`windlass outbox replay ${name} --dead --receiver gone`).waitFor();
    const row = page.locator(".rows .row").filter({ hasText: "notice" }).first();
    assert.match(await row.textContent(), /chat.*endpoint gone is disabled/);
    assert.equal(await row.getByText(/job (failed|succeeded|held|disabled)/).count(), 0);
  });
});
