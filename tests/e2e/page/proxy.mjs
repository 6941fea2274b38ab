// A proxy between browser and daemon that cuts all connections when it is asked to.

import { connect, createServer } from "node:net";
import { base } from "./browser.mjs";

/** Starts a proxy, and returns its address, what cuts, and what ends it. */
export async function proxy() {
  const { hostname, port } = new URL(base);
  const open = new Set();
  const server = createServer((client) => {
    const daemon = connect(Number(port), hostname);
    for (const [from, to] of [[client, daemon], [daemon, client]]) {
      open.add(from);
      from.on("error", () => to.destroy());
      from.on("close", () => { open.delete(from); to.destroy(); });
      from.pipe(to);
    }
  });
  await new Promise((done) => { server.listen(0, "127.0.0.1", done); });
  const cut = () => { for (const socket of open) socket.resetAndDestroy(); };
  return {
    address: `http://127.0.0.1:${server.address().port}`,
    cut,
    end: () => { server.close(); cut(); },
  };
}
