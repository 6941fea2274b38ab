// A small controller: submits jobs, watches them from any event on, cancels them.
//
//     node controller.js ADDRESS submit PROJECT/APP REPOSITORY COMMIT [REQUEST_ID]
//     node controller.js ADDRESS watch JOB [AFTER_SEQ]
//     node controller.js ADDRESS cancel JOB
//
// ADDRESS is unix:///path, http://host:port or https://host:port. PROTOS is the folder of the
// protos (default: ../.. of this file). WINDLASS_TOKEN holds the bearer token for TCP, CA_FILE the
// path of a CA certificate for https. Prints one JSON object a line. Exits with 0, with 1 when a watched
// job did not succeed, with 2 when the daemon refused the request.

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";
import protobuf from "protobufjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const protos = process.env.PROTOS ?? here("../..");
const definition = loader.loadSync("windlass/v1/windlass.proto", {
  includeDirs: [protos],
  keepCase: true,
  longs: Number,
  enums: String,
  oneofs: true,
});
const { Jobs } = grpc.loadPackageDefinition(definition).windlass.v1;
const errors = protobuf.loadSync(here("errors.proto"));

// The connection was lost, or the daemon restarts: the same request may be sent again.
const PASSING = [grpc.status.UNAVAILABLE, grpc.status.CANCELLED];
// A lost connection is tried again so often, a second apart.
const TRIES = 30;

/** Returns the service `Jobs` at an address, and the metadata of each call. */
function connect(address) {
  const metadata = new grpc.Metadata();
  if (process.env.WINDLASS_TOKEN) {
    metadata.set("authorization", `Bearer ${process.env.WINDLASS_TOKEN}`);
  }
  if (address.startsWith("https://")) {
    const ca = process.env.CA_FILE ? readFileSync(process.env.CA_FILE) : null;
    const credentials = grpc.credentials.createSsl(ca);
    return [new Jobs(address.slice("https://".length), credentials), metadata];
  }
  const target = address.replace(/^http:\/\//, "");
  return [new Jobs(target, grpc.credentials.createInsecure()), metadata];
}

/** Submits a job and prints it. The same request id again gives the same job. */
async function submit(jobs, metadata, app, repository, commit, requestId = randomUUID()) {
  const [project, name] = app.split("/");
  const request = {
    request_id: requestId,
    app: { project, name },
    source: { repository, commit },
  };
  const job = await promisify(jobs.Submit.bind(jobs))(request, metadata);
  say({ job: job.id, state: job.state });
}

/** Prints a job's events from the one after `after` on. Returns whether the job succeeded. */
async function watch(jobs, metadata, job, after = "0") {
  let seen = Number(after);
  for (let tries = 0; ; tries += 1) {
    try {
      for await (const event of jobs.Watch({ id: job, after_seq: seen }, metadata)) {
        seen = event.seq;
        tries = 0;
        if (event.what !== "ended") {
          say({ seq: event.seq, what: event.what });
          continue;
        }
        say({ seq: event.seq, what: event.what, outcome: event.ended.outcome });
        return event.ended.outcome === "OUTCOME_SUCCEEDED";
      }
    } catch (error) {
      if (!PASSING.includes(error.code) || tries >= TRIES) throw error;
    }
    // A stream that ends without `ended` is a lost connection too.
    await sleep(1000);
  }
}

/** Asks a job to stop and prints it. What ran before still serves. */
async function cancel(jobs, metadata, id) {
  const job = await promisify(jobs.Cancel.bind(jobs))({ id }, metadata);
  say({ job: job.id, state: job.state });
}

/** Returns a refusal with its details: a stable reason, the wrong fields, what to do. */
function refusal(error) {
  const refused = { code: grpc.status[error.code], message: error.details };
  Object.assign(refused, { reason: "", fields: {}, fixes: [] });
  const [bytes] = error.metadata?.get("grpc-status-details-bin") ?? [];
  const details = bytes ? errors.lookupType("google.rpc.Status").decode(bytes).details : [];
  for (const detail of details) {
    const name = detail.type_url.split("/").pop();
    const read = () => errors.lookupType(name).decode(detail.value);
    if (name === "google.rpc.ErrorInfo") refused.reason = read().reason;
    if (name === "google.rpc.Help") refused.fixes = read().links.map((link) => link.description);
    if (name === "google.rpc.BadRequest") {
      const wrong = read().fieldViolations.map((one) => [one.field, one.description]);
      refused.fields = Object.fromEntries(wrong);
    }
  }
  return { error: refused };
}

function say(line) {
  console.log(JSON.stringify(line));
}

const [address, command, ...rest] = process.argv.slice(2);
const known = { submit, watch, cancel };
if (!known[command] || rest.length === 0) {
  console.error("usage: node controller.js ADDRESS submit|watch|cancel … (see the top of the file)");
  process.exit(2);
}
const [jobs, metadata] = connect(address);
try {
  process.exitCode = (await known[command](jobs, metadata, ...rest)) === false ? 1 : 0;
} catch (error) {
  if (!Number.isInteger(error.code)) throw error;
  say(refusal(error));
  process.exitCode = 2;
}
jobs.close();
