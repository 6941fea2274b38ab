// A canary by numbers of pods: people see where it stands, approve its first share, pause it, resume it, and abort it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, base, beyond, enter, faults, given, until, visit } from "./browser.mjs";

const canary = given("WINDLASS_PAGE_CANARY");
const path = `/jobs/${canary}`;

/** Returns the card of a release by shares of requests, with its buttons and its share. */
function parts(page) {
  const card = page.getByRole("region", { name: "Strategy" });
  return {
    card,
    buttons: card.getByRole("group", { name: "Pause or abort" }),
    paused: card.locator(".paused"),
    share: () => card.getByRole("progressbar", { name: "Requests to the new version" }).evaluate((bar) => bar.value),
  };
}

/** Returns all events of the canary. */
const journal = async (page) => (await ask(page, `/api${path}/events?limit=2000`)).events;

test("a canary's first share is approved by exactly its digest, and it holds there with the time that is left", async () => {
  await visit({}, async (page) => {
    await enter(page, undefined, path);
    const { card, share } = parts(page);
    await card.getByRole("heading", { name: "Canary" }).waitFor();
    const items = card.getByRole("list", { name: "Shares of requests" }).getByRole("listitem");
    assert.deepEqual(await items.locator("b").allTextContents(), ["25 %", "50 %", "100 %"]);
    assert.equal(await share(), 0);

    const approval = page.getByRole("region", { name: "Approval" });
    await approval.getByRole("heading", { name: "Waits for approval of 25 % of requests" }).waitFor();
    const { digest } = (await ask(page, `/api${path}`)).held;
    await approval.getByText(digest.slice(0, 16)).first().waitFor();
    await approval.getByLabel("Note").fill("a quarter is enough");
    await approval.getByRole("button", { name: "Approve" }).click();
    await card.getByText(/^25 %, \d+ of \d+ pods$/).waitFor({ timeout: 120_000 });
    await card.getByText(/Holds for .* more, until /).waitFor({ timeout: 60_000 });
    assert.equal(await share(), 25);
    assert.match(await card.locator("li[aria-current=step]").textContent(), /^25 %.*now/);
    await items.filter({ hasText: "50 %" }).getByText("next").waitFor();
    await approval.waitFor({ state: "detached" });
    const { approved } = (await journal(page)).find((event) => event.approved);
    assert.deepEqual([approved.gate, approved.digest, approved.note], ["traffic", digest, "a quarter is enough"]);
  });
});

test("a canary is paused with a note of any length, shown as such on a small screen, and resumed", async () => {
  await visit({ viewport: { width: 360, height: 740 } }, async (page) => {
    await enter(page, undefined, path);
    const { card, buttons, paused } = parts(page);
    const note = `errors-${"x".repeat(300)} in the log`;
    const posts = [];
    page.on("request", (request) => { if (request.method() === "POST") posts.push(new URL(request.url()).pathname); });
    await buttons.getByLabel("Note").fill(note);
    await buttons.getByLabel("Note").press("Enter");
    assert.deepEqual(posts, [], "Enter in the note decides nothing");
    await buttons.getByRole("button", { name: "Pause" }).click();
    await paused.getByText("Paused by owner").waitFor();
    await paused.getByText(note).waitFor();
    await page.locator(".badge.large").getByText("Paused").waitFor();
    await until("the journal has the pause", async () => (await journal(page)).some((event) => event.paused?.note === note));
    await card.getByText("What would end it").click();
    await card.getByText("A person who aborts or cancels it").waitFor();
    const pixels = await beyond(page);
    assert.ok(pixels <= 0, `${pixels} pixels too wide`);

    await page.setViewportSize({ width: 1280, height: 860 });
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      assert.deepEqual(await faults(page, `${path}, ${colorScheme}`), []);
    }

    await buttons.getByRole("button", { name: "Resume" }).click();
    await paused.waitFor({ state: "detached" });
    await page.locator(".badge.large").getByText("Running").waitFor();
    await until("the journal has its end", async () => (await journal(page)).some((event) => event.resumed?.by === "owner"));
    await card.getByRole("timer").waitFor();
    assert.deepEqual(posts, [`/api${path}/pause`, `/api${path}/resume`]);
  });
});

test("a canary is aborted after a question, and all requests go to the version before", async () => {
  await visit({}, async (page) => {
    await enter(page);
    const { app } = await ask(page, `/api${path}`);
    await page.goto(`${base}/projects/${app.project}/apps/${app.name}/${app.environment}`);
    const row = page.locator(".job-row").filter({ has: page.locator(`a[href="${path}"]`) });
    await row.getByText("25 % of requests").waitFor();
    await row.getByRole("link").first().click();

    const { card, buttons, share } = parts(page);
    const posts = [];
    page.on("request", (request) => { if (request.method() === "POST") posts.push(new URL(request.url()).pathname); });
    const abort = buttons.getByRole("button", { name: "Abort" });
    const dialog = page.getByRole("dialog", { name: "Abort this release?" });
    await abort.click();
    await dialog.getByText("All requests go back to the version before").waitFor();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    assert.deepEqual(posts, []);
    await abort.click();
    await dialog.getByLabel("Note").fill("too slow");
    await dialog.getByRole("button", { name: "Abort release" }).click();
    await page.locator(".badge.large").getByText("Stopped").waitFor({ timeout: 120_000 });
    await page.getByRole("heading", { name: "Stopped: aborted by owner: too slow" }).waitFor();
    await card.getByText("All requests go to the version before.").waitFor();
    assert.equal(await share(), 0);
    assert.equal(await buttons.count(), 0);
    assert.deepEqual(posts, [`/api${path}/abort`]);
  });
});
