"""Ends with 1 while the database is not there."""

import os
import socket
import sys

try:
    socket.create_connection((os.environ["STORE"], 5432), timeout=2).close()
except OSError as why:
    sys.exit(f"no database: {why}")
