// From the projects to a job, by the links that people follow.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, base, beyond, enter, given, visit } from "./browser.mjs";

const ended = given("WINDLASS_PAGE_ENDED");

test("links lead from the projects to an app, to its job, and back", async () => {
  await visit({}, async (page) => {
    await enter(page);
    const job = await ask(page, `/api/jobs/${ended}`);
    const { project, name, environment } = job.app;
    await page.locator(".app-card").filter({ hasText: name }).filter({ hasText: environment }).first()
      .getByRole("link", { name, exact: true }).click();
    await page.getByRole("heading", { name, level: 1 }).waitFor();
    await page.getByRole("heading", { name: "Releases" }).waitFor();
    assert.match(await page.title(), new RegExp(`${project}/${name}`));
    await page.locator(`a[href="/jobs/${ended}"]`).first().click();
    await page.locator(".badge.large").getByText("Succeeded").waitFor();
    await page.goBack();
    await page.getByRole("heading", { name: "Releases" }).waitFor();
  });
});

test("the choice of jobs is in the address, and outlives a reload", async () => {
  await visit({}, async (page) => {
    await enter(page, undefined, "/jobs");
    await page.getByRole("button", { name: "Failed" }).click();
    await page.waitForURL(/state=failed/);
    await page.reload();
    await page.getByRole("button", { name: "Failed", pressed: true }).waitFor();
    await page.locator(`a[href="/jobs/${given("WINDLASS_PAGE_FAILED")}"]`).waitFor();
    const states = await page.locator(".job-row .badge").allTextContents();
    assert.ok(states.length > 0 && states.every((state) => state.trim() === "Failed"), states.join());
  });
});

test("each page of a project and of the operator opens", async () => {
  await visit({}, async (page) => {
    await enter(page);
    const { app } = await ask(page, `/api/jobs/${ended}`);
    for (const [path, heading] of [
      [`/projects/${app.project}`, app.project], [`/projects/${app.project}/deliveries`, "Deliveries"],
      [`/projects/${app.project}/previews`, "Previews"], [`/projects/${app.project}/own`, "Registries and clusters"],
      [`/projects/${app.project}/outbox`, "Outbox"], ["/plugins", "Plugins"], ["/clusters", "Builders and clusters"],
    ]) {
      await page.goto(base + path);
      await page.getByRole("heading", { name: heading, level: 1 }).waitFor();
      await page.locator(".skeleton").waitFor({ state: "detached" });
      assert.equal(await page.getByRole("alert").count(), 0, path);
    }
  });
});

test("nothing is wider than a small screen", async () => {
  await visit({ viewport: { width: 360, height: 740 } }, async (page) => {
    await enter(page);
    const { app } = await ask(page, `/api/jobs/${ended}`);
    for (const path of ["/", "/jobs", `/jobs/${given("WINDLASS_PAGE_FAILED")}`, `/jobs/${ended}`,
      `/projects/${app.project}/apps/${app.name}/${app.environment}`, `/projects/${app.project}/deliveries`,
      `/projects/${app.project}/previews`, `/projects/${app.project}/outbox`, `/projects/${app.project}/own`, "/clusters", `/jobs/${given("WINDLASS_PAGE_HELD")}`,
      `/jobs/${given("WINDLASS_PAGE_CANARY")}`]) {
      await page.goto(base + path);
      await page.getByRole("heading", { level: 1 }).waitFor();
      const pixels = await beyond(page);
      assert.ok(pixels <= 0, `${path} is ${pixels} pixels too wide`);
    }
  });
});

test("operators see what answers, with its version and the places for work", async () => {
  await visit({}, async (page) => {
    await enter(page, undefined, "/clusters");
    await page.getByText(/^Kubernetes v\d/).first().waitFor();
    await page.getByText(/^BuildKit/).waitFor();
    assert.equal(await page.locator(".part .badge").filter({ hasText: "Not reached" }).count(), 0);
    assert.ok(await page.locator(".part .badge").filter({ hasText: "Reached" }).count() >= 2);
    const { jobs } = await ask(page, "/api/infrastructure");
    assert.ok(jobs.running >= 1 && jobs.held >= 2, JSON.stringify(jobs));
    await page.getByText(`${jobs.held} jobs to approve`).waitFor();
  });
});
