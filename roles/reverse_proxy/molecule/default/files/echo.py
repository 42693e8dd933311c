"""The upstream in tests: answers each request with what arrived of it, echoes a WebSocket message.

Port 18443 in the clear; port 18444 by TLS with the key and certificate beside this file.
"""

import base64
import hashlib
import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Upgrade") == "websocket":
            self.websocket()
            return
        if self.path.startswith("/slow"):
            time.sleep(30)
        seen = {
            "path": self.path,
            "headers": self.headers.items(),
            "bytes": len(body),
            "port": self.server.server_port,
        }
        answer = json.dumps(seen).encode()
        self.send_response(503 if self.path.startswith("/busy") else 200)
        for name, value in (
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(answer))),
            ("X-Powered-By", "echo"),
            ("X-Request-ID", "of the upstream"),
            ("X-Frame-Options", "ALLOWALL"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments: object) -> None:
        """Queries of the tests hold what must not be in a log."""

    do_POST = do_GET  # noqa: N815

    def websocket(self) -> None:
        key = (self.headers["Sec-WebSocket-Key"] + MAGIC).encode()
        accept = base64.b64encode(hashlib.sha1(key, usedforsecurity=False).digest())
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", accept.decode())
        self.end_headers()
        length = self.rfile.read(2)[1] & 127
        mask, masked = self.rfile.read(4), self.rfile.read(length)
        text = bytes(byte ^ mask[place % 4] for place, byte in enumerate(masked))
        self.wfile.write(bytes([0x81, length]) + text)
        self.close_connection = True


plain = ThreadingHTTPServer(("127.0.0.1", 18443), Echo)
secure = ThreadingHTTPServer(("127.0.0.1", 18444), Echo)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
here = Path(__file__).parent
context.load_cert_chain(here / "given.pem", here / "given.key")
secure.socket = context.wrap_socket(secure.socket, server_side=True)
threading.Thread(target=secure.serve_forever, daemon=True).start()
plain.serve_forever()
