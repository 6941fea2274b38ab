"""Receives webhooks: `receiver.py PORT SECRET LOG`. Answers 503 to the first request for `/busy`, 410
for `/gone`, 204 to what is signed correctly and 401 to the rest. Writes what it accepted to LOG."""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook

busy = set()


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(self.judge(body))
        self.send_header("content-length", "0")
        self.end_headers()

    def judge(self, body):
        if self.path.startswith("/gone"):
            return 410
        if self.path.startswith("/busy") and self.path not in busy:
            busy.add(self.path)
            return 503
        try:
            Webhook(sys.argv[2]).verify(body, dict(self.headers.items()))
        except Exception as error:
            print(error, file=sys.stderr)
            return 401
        with open(sys.argv[3], "ab") as log:
            log.write(self.headers["webhook-id"].encode() + b" " + body + b"\n")
        return 204


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
