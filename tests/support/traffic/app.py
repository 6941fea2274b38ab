"""An app that answers with its version, and drains on SIGTERM: what is asked already is answered first.

VERSION is the text of `/`. FAIL_PERCENT is the share of answers of `/` that are a 500.
`/slow` answers after a second, `/healthz` always, `/echo` is a WebSocket, and `/crash` ends the process.
"""

import base64
import hashlib
import os
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VERSION = os.environ.get("VERSION", "none")
FAIL_PERCENT = int(os.environ.get("FAIL_PERCENT", "0"))
PORT = int(os.environ.get("PORT", "8080"))
# RFC 6455, section 1.3.
WEBSOCKET = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
# Seconds for which idle connections are left open after SIGTERM, so that their next request is still answered.
DRAIN = 6.0

draining = threading.Event()
lock = threading.Lock()
connections = 0
asked = 0


def fails():
    """Returns whether this answer of `/` is one of those that fail."""
    global asked
    with lock:
        asked += 1
        return asked * FAIL_PERCENT // 100 > (asked - 1) * FAIL_PERCENT // 100


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # One segment for head and body, at once.
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self):
        path = self.path.split("?")[0]
        if path == "/crash":
            os._exit(3)
        if path == "/echo":
            return self.echo()
        if path == "/healthz":
            return self.answer(200, "well")
        if path == "/slow":
            time.sleep(1)
            return self.answer(200, VERSION)
        if path in ("/", "/index.html"):
            return self.answer(500 if fails() else 200, VERSION)
        return self.answer(404, "nothing")

    def answer(self, status, text):
        body = (text + "\n").encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        if draining.is_set():
            # Ends the connection behind this answer.
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def echo(self):
        key = self.headers.get("Sec-WebSocket-Key", "")
        accept = base64.b64encode(hashlib.sha1((key + WEBSOCKET).encode()).digest()).decode()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", accept)
        self.end_headers()
        self.wfile.flush()
        self.close_connection = True
        self.connection.settimeout(0.2)
        while not draining.is_set():
            frame = self.frame()
            if frame is None:
                continue
            opcode, text = frame
            if opcode == 8:
                return
            self.connection.sendall(bytes([0x81, len(text)]) + text)
        # 1001: going away. The client answers, and nothing that it sent meanwhile resets the connection.
        self.connection.sendall(b"\x88\x02\x03\xe9")
        ends = time.monotonic() + 2
        while time.monotonic() < ends:
            frame = self.frame()
            if frame is not None and frame[0] == 8:
                return

    def frame(self):
        """Returns a frame of up to 125 bytes. None means that none came for a moment."""
        head = self.take(2, True)
        if head is None:
            return None
        mask = self.take(4, False)
        text = self.take(head[1] & 0x7F, False)
        return head[0] & 0x0F, bytes(byte ^ mask[i % 4] for i, byte in enumerate(text))

    def take(self, size, may_wait):
        data = b""
        while len(data) < size:
            try:
                more = self.connection.recv(size - len(data))
            except TimeoutError:
                if may_wait and not data:
                    return None
                continue
            if not more:
                raise ConnectionResetError("the client is gone")
            data += more
        return data

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True

    def process_request_thread(self, request, client):
        global connections
        with lock:
            connections += 1
        try:
            super().process_request_thread(request, client)
        finally:
            with lock:
                connections -= 1

    def handle_error(self, request, client):
        # A client that is gone is no event.
        pass


def end():
    """Ends the process once no connection is left, or none that anything is asked over."""
    draining.wait()
    ends = time.monotonic() + DRAIN
    # A connection that was accepted a moment ago is counted a moment later.
    time.sleep(0.5)
    while connections and time.monotonic() < ends:
        time.sleep(0.05)
    os._exit(0)


signal.signal(signal.SIGTERM, lambda *_: draining.set())
threading.Thread(target=end, daemon=True).start()
print(f"serves {VERSION}", flush=True)
Server(("", PORT), Handler).serve_forever()
