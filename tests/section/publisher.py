"""A publisher on the loopback: the layout of 10x Genomics, and everything that goes wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

PIECE = 1024


@dataclass
class Publisher:
    """Files by path, and how the server behaves.

    Parameters
    ----------
    files
        Path to content.
    breaks
        So many answers end in the middle although they promise more.
    knows_ranges, tells_length
        Whether parts can be asked for, whether the length is told.
    status
        An answer for everything, 0 for none.
    asked
        Path and ``Range`` of every request, in order.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    breaks: int = 0
    knows_ranges: bool = True
    tells_length: bool = True
    status: int = 0
    etag: str = '"one"'
    asked: list[tuple[str, str]] = field(default_factory=list)
    address: str = ""

    def start(self) -> ThreadingHTTPServer:
        """Serve on a free port of this machine."""
        publisher = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                publisher.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{server.server_port}"
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return server

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Send a file or a part of it, a piece at a time."""
        wanted = request.headers.get("Range", "")
        self.asked.append((request.path, wanted))
        content = self.files.get(request.path)
        if self.status or content is None:
            request.send_error(self.status or 404)
            return
        start = 0
        is_same = request.headers.get("If-Range", self.etag) == self.etag
        if wanted and self.knows_ranges and is_same:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
        request.send_response(206 if start else 200)
        request.send_header("ETag", self.etag)
        if self.tells_length:
            request.send_header("Content-Length", str(len(content) - start))
        request.end_headers()
        end = len(content)
        if self.breaks:
            self.breaks -= 1
            end = start + (end - start) // 2
        for first in range(start, end, PIECE):
            request.wfile.write(content[first : min(first + PIECE, end)])
            request.wfile.flush()
        request.close_connection = True
