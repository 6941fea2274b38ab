import assert from "node:assert/strict";
import test from "node:test";
import { app } from "./app.js";

test("the page says hello", async () => {
  const server = app.listen(0);
  const { port } = server.address();
  const response = await fetch(`http://127.0.0.1:${port}/`);
  server.close();
  assert.equal(await response.text(), "Hello from Node\n");
});
