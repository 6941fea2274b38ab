import assert from "node:assert/strict";
import test from "node:test";
import { greet } from "@shop/greeting";

test("the greeting names the app", () => assert.equal(greet("app"), "Hello from the app\n"));
