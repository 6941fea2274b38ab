"""An app on PostgreSQL: it answers with its version and what it reads, and migrates its table.

VERSION names the version. `v1` reads the column `name`, every later one the column `title`. DATABASE is `host:port`. The
protocol of PostgreSQL (version 3) is spoken here, since the image has no client.

    python3 shop.py serve
    python3 shop.py sql STATEMENT...
"""

import os
import signal
import socket
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VERSION = os.environ.get("VERSION", "none")
HOST, PORT = os.environ["DATABASE"].split(":")


class Database:
    def __init__(self):
        self.socket = socket.create_connection((HOST, int(PORT)), timeout=180)
        self.file = self.socket.makefile("rb")
        # What libpq does with PGOPTIONS.
        given = {"user": "shop", "database": "postgres", "options": os.environ.get("PGOPTIONS", "")}
        body = struct.pack("!I", 196608)
        for name, value in given.items():
            body += name.encode() + b"\0" + value.encode() + b"\0"
        body += b"\0"
        self.socket.sendall(struct.pack("!I", len(body) + 4) + body)
        self.answers()

    def query(self, statement):
        body = statement.encode() + b"\0"
        self.socket.sendall(b"Q" + struct.pack("!I", len(body) + 4) + body)
        return self.answers()

    def answers(self):
        """Returns the rows until the server is ready again."""
        rows, error = [], None
        while True:
            kind = self.file.read(1)
            if not kind:
                raise ConnectionError("the server has closed the connection")
            body = self.file.read(struct.unpack("!I", self.file.read(4))[0] - 4)
            if kind == b"D":
                rows.append(row(body))
            elif kind == b"E":
                fields = {part[:1]: part[1:].decode() for part in body.split(b"\0") if part}
                error = f"ERROR: {fields[b'C']} {fields[b'M']}"
            elif kind == b"Z":
                if error:
                    raise RuntimeError(error)
                return rows


def row(body):
    count, at, values = struct.unpack("!H", body[:2])[0], 2, []
    for _ in range(count):
        size = struct.unpack("!i", body[at : at + 4])[0]
        at += 4
        values.append(None if size < 0 else body[at : at + size].decode())
        at += max(size, 0)
    return values


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/healthz":
            return self.answer(200, "well")
        column = "name" if VERSION == "v1" else "title"
        try:
            rows = Database().query(f"SELECT {column} FROM items")
            return self.answer(200, f"{VERSION} sells {rows[0][0]}")
        except Exception as error:
            return self.answer(500, str(error))

    def answer(self, status, text):
        body = (text + "\n").encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


if sys.argv[1] == "sql":
    database = Database()
    for statement in sys.argv[2:]:
        try:
            for values in database.query(statement):
                print(*values, flush=True)
        except RuntimeError as error:
            sys.exit(str(error))
    print("done", flush=True)
else:
    server = ThreadingHTTPServer(("", int(os.environ.get("PORT", "8080"))), Handler)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()
