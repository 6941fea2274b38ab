// Previews, and a removal: what goes is listed, the name is typed, and nothing is removed by one click.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, base, enter, given, visit } from "./browser.mjs";

const preview = given("WINDLASS_PAGE_PREVIEW");

test("a preview is removed once its app's name is typed, and never again by one click", async () => {
  await visit({}, async (page) => {
    await enter(page);
    const { app } = await ask(page, `/api/jobs/${preview}`);
    await page.goto(`${base}/projects/${app.project}`);
    await page.getByRole("link", { name: "Previews" }).click();
    const row = page.locator(".preview-row").filter({ hasText: "pr-blue" });
    await row.getByText("Open").waitFor();
    await row.getByText(/ends in/).waitFor();
    const posts = [];
    page.on("request", (request) => { if (request.method() === "POST") posts.push(new URL(request.url()).pathname); });
    const dialog = page.getByRole("dialog", { name: `Remove ${app.name} from pr-blue?` });
    const remove = dialog.getByRole("button", { name: "Remove app" });
    await row.getByRole("button", { name: "Remove" }).click();
    await dialog.getByText("Deployment web").waitFor();
    assert.ok(await remove.isDisabled(), "before the name");
    await dialog.getByLabel(/^Type/).fill("we");
    assert.ok(await remove.isDisabled(), "at another name");
    await dialog.getByLabel(/^Type/).press("Enter");
    assert.deepEqual(posts, []);
    await dialog.getByLabel(/^Type/).fill(app.name);
    await remove.click();
    await page.getByRole("heading", { name: "Removal of the app with its data", level: 1 }).waitFor();
    assert.deepEqual(posts, [`/api/apps/${app.project}/${app.name}/pr-blue/remove`]);
    await page.locator(".badge.large").getByText("Succeeded").waitFor({ timeout: 120_000 });
    await page.getByRole("heading", { name: /^Removed/ }).waitFor();
    await page.getByRole("button", { name: "Remove again" }).click();
    await dialog.waitFor();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    assert.equal(posts.length, 1);
    await page.goto(`${base}/projects/${app.project}/previews`);
    await page.locator(".preview-row").filter({ hasText: "pr-blue" }).getByText("Removed").waitFor();
    await page.goto(`${base}/jobs?project=${app.project}`);
    await page.locator(".job-row").filter({ hasText: "removal with data" }).first().waitFor();
  });
});

test("the removal of an app leaves volume claims unless they are chosen", async () => {
  await visit({}, async (page) => {
    await enter(page);
    const { app } = await ask(page, `/api/jobs/${given("WINDLASS_PAGE_ENDED")}`);
    await page.goto(`${base}/projects/${app.project}/apps/${app.name}/${app.environment}`);
    await page.getByRole("button", { name: "Remove app" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText(`Deployment ${app.name}`).waitFor();
    const asked = page.waitForRequest(/removal\?data=true/);
    await dialog.getByLabel(/volume claims/).check();
    await asked;
    await dialog.getByText(`Deployment ${app.name}`).waitFor();
    await dialog.getByRole("button", { name: "Leave it" }).click();
    await dialog.waitFor({ state: "detached" });
  });
});
