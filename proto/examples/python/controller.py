"""A small controller: submits jobs, watches them from any event on, cancels them.

    python3 controller.py ADDRESS submit PROJECT/APP REPOSITORY COMMIT [REQUEST_ID]
    python3 controller.py ADDRESS watch JOB [AFTER_SEQ]
    python3 controller.py ADDRESS cancel JOB

ADDRESS is unix:///path, http://host:port or https://host:port. WINDLASS_TOKEN holds the bearer token
for TCP, CA_FILE the path of a CA certificate for https. Prints one JSON object a line. Exits with
0, with 1 when a watched job did not succeed, with 2 when the daemon refused the request.

The stubs come from the proto; they lie beside this file. From the root of the checkout:

    python3 -m grpc_tools.protoc -I proto --python_out=proto/examples/python \
      --grpc_python_out=proto/examples/python windlass/v1/windlass.proto
"""

import json
import os
import pathlib
import sys
import time
import uuid

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from windlass.v1 import windlass_pb2 as v1
from windlass.v1 import windlass_pb2_grpc

# The connection was lost, or the daemon restarts: the same request may be sent again.
PASSING = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
# A lost connection is tried again so often, a second apart.
TRIES = 30


def connect(address):
    """Returns the service `Jobs` at an address, and the metadata of each call."""
    token = os.environ.get("WINDLASS_TOKEN")
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    if address.startswith("https://"):
        ca = os.environ.get("CA_FILE")
        roots = pathlib.Path(ca).read_bytes() if ca else None
        credentials = grpc.ssl_channel_credentials(root_certificates=roots)
        channel = grpc.secure_channel(address.removeprefix("https://"), credentials)
    else:
        channel = grpc.insecure_channel(address.removeprefix("http://"))
    return windlass_pb2_grpc.JobsStub(channel), metadata


def submit(jobs, metadata, app, repository, commit, request_id=None):
    """Submits a job and prints it. The same request id again gives the same job."""
    project, _, name = app.partition("/")
    request = v1.SubmitRequest(
        request_id=request_id or str(uuid.uuid4()),
        app=v1.App(project=project, name=name),
        source=v1.Source(repository=repository, commit=commit),
    )
    job = jobs.Submit(request, metadata=metadata, timeout=30)
    say({"job": job.id, "state": v1.JobState.Name(job.state)})


def watch(jobs, metadata, job, after="0"):
    """Prints a job's events from the one after `after` on. Returns whether the job succeeded."""
    after = int(after)
    tries = 0
    while True:
        try:
            for event in jobs.Watch(v1.WatchRequest(id=job, after_seq=after), metadata=metadata):
                after, tries = event.seq, 0
                what = event.WhichOneof("what")
                if what != "ended":
                    say({"seq": event.seq, "what": what})
                    continue
                outcome = event.ended.outcome
                say({"seq": event.seq, "what": what, "outcome": v1.Outcome.Name(outcome)})
                return outcome == v1.OUTCOME_SUCCEEDED
        except grpc.RpcError as error:
            if error.code() not in PASSING or tries >= TRIES:
                raise
        # A stream that ends without `ended` is a lost connection too.
        tries += 1
        time.sleep(1)


def cancel(jobs, metadata, job):
    """Asks a job to stop and prints it. What ran before still serves."""
    job = jobs.Cancel(v1.CancelRequest(id=job), metadata=metadata, timeout=30)
    say({"job": job.id, "state": v1.JobState.Name(job.state)})


def refusal(error):
    """Returns a refusal with its details: a stable reason, the wrong fields, what to do."""
    refused = {"code": error.code().name, "message": error.details()}
    refused.update(reason="", fields={}, fixes=[])
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        info, request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        advice = error_details_pb2.Help()
        if detail.Unpack(info):
            refused["reason"] = info.reason
        elif detail.Unpack(request):
            wrong = request.field_violations
            refused["fields"] = {violation.field: violation.description for violation in wrong}
        elif detail.Unpack(advice):
            refused["fixes"] = [link.description for link in advice.links]
    return {"error": refused}


def say(line):
    print(json.dumps(line, sort_keys=True), flush=True)


def main(address, command, *arguments):
    known = {"submit": submit, "watch": watch, "cancel": cancel}
    jobs, metadata = connect(address)
    try:
        return 1 if known[command](jobs, metadata, *arguments) is False else 0
    except grpc.RpcError as error:
        say(refusal(error))
        return 2


if __name__ == "__main__":
    if len(sys.argv) < 4 or sys.argv[2] not in ("submit", "watch", "cancel"):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
