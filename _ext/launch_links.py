"""Launch, repository and edit buttons that lead to the repository this copy was cloned from.

The address is taken from, in this order, the environment variable ``RAF_REPOSITORY``, the setting
``launch_repository`` in ``_config.yml``, and the git remote ``origin``. So a fork gets its own
links without an edit, and a copy without a public address gets none (one line of the build log
says so) instead of links that lead nowhere.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
VARIABLE = "RAF_REPOSITORY"
BRANCH_VARIABLE = "RAF_BRANCH"
PROVIDERS = {"github.com": "github", "gitlab.com": "gitlab", "bitbucket.org": "bitbucket"}
# git@host:owner/name.git, the short form of an ssh address
SCP_LIKE = re.compile(r"^(?:[^@/\s]+@)?(?P<host>[^:/\s]+\.[^:/\s]+):(?!//)(?P<path>[^\s]+)$")


@dataclass(frozen=True)
class Repository:
    """A public repository on a host whose links we know how to write."""

    provider: str
    url: str


def parse_remote(remote: str) -> Repository | None:
    """Turn the address of a git remote into the address of its web page.

    Understands ``https``, ``ssh``, ``git`` and scp-like addresses; drops user names, passwords,
    tokens, ports and a trailing ``.git``. A local path or a host that is not one of
    `PROVIDERS` gives None.
    """
    remote = remote.strip()
    if "://" in remote:
        parts = urlsplit(remote)
        if parts.scheme not in {"https", "http", "ssh", "git", "git+ssh"}:
            return None
        host, path = parts.hostname or "", parts.path
    elif match := SCP_LIKE.match(remote):
        host, path = match["host"], match["path"]
    else:
        return None
    host = host.lower().removeprefix("www.").removeprefix("ssh.")
    path = path.strip("/").removesuffix(".git").strip("/")
    provider = PROVIDERS.get(host)
    if provider is None or not re.fullmatch(r"[\w.-]+(/[\w.-]+)+", path):
        return None
    return Repository(provider, f"https://{host}/{path}")


def git(folder: Path, *arguments: str) -> str:
    """Return what a git command prints, or nothing where git or the repository is missing."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def find_repository(folder: Path, setting: str) -> tuple[Repository | None, str]:
    """Find the repository's web address; the second value says where it was looked for and why.

    Raises
    ------
    ExtensionError
        If an address was given by hand but is not one of a known host: that is a mistake to
        report, while a remote that is not public is an ordinary case.
    """
    for source, address in (
        (f"environment variable {VARIABLE}", os.environ.get(VARIABLE, "")),
        ("launch_repository in _config.yml", setting),
    ):
        if address.strip():
            found = parse_remote(address)
            if found is None:
                hosts = ", ".join(PROVIDERS)
                raise ExtensionError(
                    f"{source} is not the address of a repository on {hosts}: write it as https://HOST/OWNER/NAME"
                )
            return found, source
    # Of a folder inside someone else's repository (an unpacked archive), the remote is not ours.
    if git(folder, "rev-parse", "--show-toplevel") != str(folder.resolve()):
        return None, "this folder is not a git clone"
    remote = git(folder, "remote", "get-url", "origin")
    if not remote:
        return None, "there is no git remote 'origin'"
    found = parse_remote(remote)
    if found is None:
        return None, "the git remote 'origin' is not on " + ", ".join(PROVIDERS)
    return found, "git remote 'origin'"


def find_branch(folder: Path) -> str:
    """Return the branch to link to: the setting, else the remote's default, else ``main``."""
    default = git(folder, "symbolic-ref", "--short", "refs/remotes/origin/HEAD")
    return os.environ.get(BRANCH_VARIABLE, "").strip() or default.removeprefix("origin/") or "main"


def theme_options(repository: Repository | None, branch: str) -> dict[str, object]:
    """Return the theme's options that switch the buttons on or off."""
    if repository is None:
        return {
            "repository_url": "",
            "use_repository_button": False,
            "use_edit_page_button": False,
            "launch_buttons": {},
        }
    launch = {"notebook_interface": "jupyterlab"}
    if repository.provider in {"github", "gitlab"}:
        launch["binderhub_url"] = "https://mybinder.org"
    if repository.provider == "github":  # Colab opens notebooks from no other host
        launch["colab_url"] = "https://colab.research.google.com"
    return {
        "repository_url": repository.url,
        "repository_provider": repository.provider,
        "repository_branch": branch,
        "path_to_docs": "",
        "use_repository_button": True,
        "use_edit_page_button": True,
        "launch_buttons": launch,
    }


def set_buttons(app: Sphinx, config: Config) -> None:
    """Set the theme's options from the repository that was found."""
    folder = Path(app.confdir or app.srcdir)
    repository, why = find_repository(folder, config.launch_repository)
    branch = find_branch(folder)
    config.html_theme_options = {
        **config.html_theme_options,
        **theme_options(repository, branch),
    }
    if repository is None:
        LOGGER.info(
            "launch buttons: left out, %s (set %s=https://HOST/OWNER/NAME to have them)",
            why,
            VARIABLE,
        )
    else:
        LOGGER.info("launch buttons: %s, branch %s (from the %s)", repository.url, branch, why)


def notebooks_only(app: Sphinx, page: str, _template: str, context: dict[str, Any], doctree: object) -> None:
    """Take the launch buttons off a page written in Markdown: Colab and JupyterLab open notebooks.

    The theme offers them on every page with a kernel, the landing page among them.
    """
    if doctree is not None and Path(app.env.doc2path(page)).suffix != ".ipynb":
        context["header_buttons"] = [
            button for button in context.get("header_buttons", []) if button.get("label") != "launch-buttons"
        ]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.add_config_value("launch_repository", "", "env", types=[str])
    app.connect("config-inited", set_buttons)
    app.connect("html-page-context", notebooks_only, priority=600)  # the theme adds them at 501
    return {"parallel_read_safe": True, "parallel_write_safe": True}
