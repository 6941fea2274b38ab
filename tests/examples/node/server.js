import { app } from "./app.js";

const server = app.listen(process.env.PORT ?? 8080, "0.0.0.0", () => {
  console.log("listening on", server.address().port);
});
process.on("SIGTERM", () => server.close());
