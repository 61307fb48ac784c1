"""Serve the built book on this machine alone and print its address."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BOOK = Path(__file__).resolve().parent.parent / "_build" / "html"
HOST = "127.0.0.1"


class QuietHandler(SimpleHTTPRequestHandler):
    """Serve files without a line of log for each."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def open_server(folder: Path, port: int, *, quiet: bool = False) -> ThreadingHTTPServer:
    """Open a server on the first free port from `port` on (0: any free port)."""
    kind = QuietHandler if quiet else SimpleHTTPRequestHandler
    handler = partial(kind, directory=str(folder))
    ports = range(port, port + 20) if port else [0]
    for candidate in ports:
        try:
            return ThreadingHTTPServer((HOST, candidate), handler)
        except OSError:
            continue
    sys.exit(f"error: ports {port} to {port + 19} are taken: name a free one, make serve PORT=9000")


def main() -> None:
    """Serve until the reader presses Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    port = parser.parse_args().port
    if not (BOOK / "index.html").is_file():
        sys.exit("error: there is no built book yet: run make book first")
    with open_server(BOOK, port) as server:
        print(f"==> the book: http://{HOST}:{server.server_port}/ (Ctrl-C stops)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print("\n==> stopped")


if __name__ == "__main__":
    main()
