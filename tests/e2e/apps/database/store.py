"""A database that takes its time to come up."""

import socketserver
import time

time.sleep(40)
socketserver.TCPServer(("", 5432), socketserver.BaseRequestHandler).serve_forever()
