"""The cell that makes a chapter run in Google Colab, against a stand-in for Colab's server."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import ModuleType
from urllib.parse import quote

import notebooks
import pytest
from IPython.core.interactiveshell import InteractiveShell

Run = Callable[[str], tuple[list[str], BaseException | None]]


@pytest.fixture
def run_in_colab(monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run the cell in a shell that looks like Colab's, with the notebook opened from a place."""
    monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))
    servers = []

    def run(opened_from: str) -> tuple[list[str], BaseException | None]:
        answer = json.dumps([{"path": f"fileId={quote(opened_from, safe='')}"}]).encode()

        class Colab(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200 if self.path == "/api/sessions" else 404)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args: object) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Colab)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("COLAB_JUPYTER_IP", "127.0.0.1")
        monkeypatch.setenv("KMP_TARGET_PORT", str(server.server_port))
        installed: list[str] = []
        shell = InteractiveShell()
        shell.register_magic_function(installed.append, magic_name="pip")
        result = shell.run_cell(notebooks.COLAB_CELL)
        return installed, result.error_in_exec

    yield run
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_notebook_from_a_repository_installs_raflib_from_there(run_in_colab: Run) -> None:
    address = "https://github.com/own.er/a-name/blob/draft/chapters/raf/model.ipynb"
    installed, error = run_in_colab(address)
    assert error is None
    assert installed == [
        'install --quiet "raflib @ git+https://github.com/own.er/a-name@draft"',
    ]


def test_a_copy_in_a_drive_says_what_to_do(run_in_colab: Run) -> None:
    installed, error = run_in_colab("1aBcDeFgH")
    assert installed == []
    assert isinstance(error, RuntimeError)
    assert "from its repository" in str(error)


def test_elsewhere_the_cell_does_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    assert "google.colab" not in sys.modules
    shell = InteractiveShell()
    shell.register_magic_function(lambda line: pytest.fail(line), magic_name="pip")
    assert shell.run_cell(notebooks.COLAB_CELL).success
    assert capfd.readouterr() == ("", "")
