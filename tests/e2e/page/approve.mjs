// Jobs that wait for an approval: what would change, and an answer for exactly that.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, enter, given, visit } from "./browser.mjs";

const held = given("WINDLASS_PAGE_HELD");
const rejected = given("WINDLASS_PAGE_REJECTED");

test("what waits is shown with its changes, and approved by exactly that digest", async () => {
  await visit({ expected: [/status of 409/] }, async (page) => {
    await enter(page);
    await page.getByRole("heading", { name: "To approve" }).waitFor();
    await page.locator(`.job-row a[href="/jobs/${held}"]`).first().click();
    const card = page.getByRole("region", { name: "Approval" });
    await card.getByRole("heading", { name: "Waits for approval of its release" }).waitFor();
    const { digest } = (await ask(page, `/api/jobs/${held}`)).held;
    await card.getByText(digest.slice(0, 16)).waitFor();
    const changes = page.locator(".diff-card");
    await changes.locator(".diff-object").filter({ hasText: "Deployment" }).first().waitFor();
    await changes.getByText("nothing was released there before").waitFor();
    await changes.locator("summary").filter({ hasText: "Deployment" }).first().click();
    await changes.locator(".diff-line.added").filter({ hasText: "image:" }).first().waitFor();

    // Something else waits by then: the page says so, and nothing is approved that nobody looked at.
    const other = "f".repeat(64);
    const address = `**/api/jobs/${held}`;
    await page.route(address, async (route) => {
      const response = await route.fetch();
      const job = await response.json();
      await route.fulfill({ response, json: { ...job, held: job.held && { ...job.held, digest: other } } });
    });
    await card.getByText("Something else waits by now.").waitFor();
    const approve = card.getByRole("button", { name: "Approve" });
    assert.ok(await approve.isDisabled());
    assert.ok(await card.getByRole("button", { name: "Reject" }).isDisabled());
    await card.getByRole("button", { name: "I look at the new one" }).click();
    await approve.click();
    // The daemon's own answer names what waits.
    await card.locator(".problem").getByText(digest).waitFor();
    assert.equal((await ask(page, `/api/jobs/${held}?again`)).state, "held");
    await page.unroute(address);
    await card.getByText("Something else waits by now.").waitFor();
    await card.getByRole("button", { name: "I look at the new one" }).click();
    await card.getByLabel("Note").fill("looks good");
    await approve.click();
    await page.locator(".badge.large").getByText("Succeeded").waitFor({ timeout: 120_000 });
    assert.equal(await page.getByRole("region", { name: "Approval" }).count(), 0);
    const { events } = await ask(page, `/api/jobs/${held}/events?limit=2000`);
    const approved = events.find((event) => event.approved).approved;
    assert.deepEqual([approved.digest, approved.by, approved.note], [digest, "owner", "looks good"]);
    await page.getByRole("heading", { name: "What it changed" }).waitFor();
  });
});

test("a job is rejected after a question, and ends with the note", async () => {
  await visit({}, async (page) => {
    await enter(page, undefined, "/jobs?state=held");
    await page.getByRole("button", { name: "To approve", pressed: true }).waitFor();
    await page.locator(`.job-row a[href="/jobs/${rejected}"]`).click();
    const card = page.getByRole("region", { name: "Approval" });
    await card.getByLabel("Note").fill("not on a Friday");
    const posts = [];
    page.on("request", (request) => { if (request.method() === "POST") posts.push(request.url()); });
    await card.getByLabel("Note").press("Enter");
    await card.getByRole("button", { name: "Reject" }).click();
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    assert.equal((await ask(page, `/api/jobs/${rejected}`)).state, "held");
    assert.deepEqual(posts, [], "Enter in the note decides nothing");
    await card.getByRole("button", { name: "Reject" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Reject job" }).click();
    await page.locator(".badge.large").getByText("Stopped").waitFor({ timeout: 60_000 });
    await page.getByRole("heading", { name: /Stopped: .*not on a Friday/ }).waitFor();
  });
});
