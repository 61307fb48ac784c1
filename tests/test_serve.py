"""`make serve`: this machine alone, a free port, and a clear word without a book."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from urllib.request import urlopen

import pytest
import serve


def test_serves_the_folder_on_the_loopback_alone(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("the book")
    with serve.open_server(tmp_path, 0, quiet=True) as server:
        assert server.server_address[0] == "127.0.0.1"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with urlopen(f"http://127.0.0.1:{server.server_port}/") as answer:
            assert answer.read() == b"the book"
        server.shutdown()


def test_takes_the_next_port_when_one_is_taken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with serve.open_server(tmp_path, port) as server:
            assert port < server.server_port < port + 20


def test_without_a_book_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "BOOK", tmp_path)
    monkeypatch.setattr("sys.argv", ["serve"])
    with pytest.raises(SystemExit, match="run make book first"):
        serve.main()
