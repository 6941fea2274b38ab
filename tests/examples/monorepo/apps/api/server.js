import { createServer } from "node:http";
import { greet } from "@shop/greeting";

const server = createServer((_, response) => response.end(greet("API")));
server.listen(process.env.PORT ?? 8080, "0.0.0.0");
process.on("SIGTERM", () => server.close());
