"""The launch buttons' address, from every kind of git remote."""

from __future__ import annotations

import subprocess
from pathlib import Path

import launch_links
import pytest
from launch_links import Repository, find_branch, find_repository, parse_remote, theme_options
from sphinx.errors import ExtensionError

PAGE = "https://github.com/owner/name"


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(launch_links.VARIABLE, raising=False)
    monkeypatch.delenv(launch_links.BRANCH_VARIABLE, raising=False)


def clone(folder: Path, remote: str | None) -> Path:
    folder.mkdir(exist_ok=True)
    subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], check=True)
    if remote is not None:
        subprocess.run(["git", "-C", str(folder), "remote", "add", "origin", remote], check=True)
    return folder


@pytest.mark.parametrize(
    "remote",
    [
        "https://github.com/owner/name",
        "https://github.com/owner/name.git",
        "https://github.com/owner/name/",
        "http://github.com/owner/name.git",
        "https://www.github.com/owner/name",
        "https://GitHub.com/owner/name.git\n",
        "https://user:secret-token@github.com/owner/name.git",
        "https://x-access-token:secret@github.com:443/owner/name.git",
        "git@github.com:owner/name.git",
        "git@github.com:/owner/name.git",
        "github.com:owner/name",
        "ssh://git@github.com/owner/name.git",
        "ssh://git@ssh.github.com:443/owner/name.git",
        "git://github.com/owner/name.git",
    ],
)
def test_every_way_to_write_a_remote(remote: str) -> None:
    assert parse_remote(remote) == Repository("github", PAGE)


@pytest.mark.parametrize(
    ("remote", "expected"),
    [
        (
            "git@gitlab.com:group/part/name.git",
            Repository("gitlab", "https://gitlab.com/group/part/name"),
        ),
        ("https://bitbucket.org/o/n.git", Repository("bitbucket", "https://bitbucket.org/o/n")),
        (
            "https://github.com/o/name.github.io",
            Repository("github", "https://github.com/o/name.github.io"),
        ),
    ],
)
def test_other_hosts(remote: str, expected: Repository) -> None:
    assert parse_remote(remote) == expected


@pytest.mark.parametrize(
    "remote",
    [
        "",
        "/srv/git/name.git",
        "../name",
        "file:///srv/git/name.git",
        "C:\\books\\name",
        "https://git.example.org/owner/name.git",
        "https://github.com.evil.example/owner/name",
        "https://github.com/",
        "https://github.com/owner",
        "https://github.com/owner/na<me",
        "javascript://github.com/owner/name",
    ],
)
def test_what_is_no_public_repository(remote: str) -> None:
    assert parse_remote(remote) is None


def test_the_remote_gives_the_links(tmp_path: Path) -> None:
    folder = clone(tmp_path / "a", "https://user:token@github.com/owner/name.git")
    repository, why = find_repository(folder, "")
    assert repository == Repository("github", PAGE)
    assert "origin" in why
    assert "token" not in why


def test_the_setting_goes_before_the_remote_and_the_variable_before_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = clone(tmp_path / "a", "https://github.com/fork/name")
    assert find_repository(folder, PAGE)[0] == Repository("github", PAGE)
    monkeypatch.setenv(launch_links.VARIABLE, "https://gitlab.com/g/n")
    assert find_repository(folder, PAGE)[0] == Repository("gitlab", "https://gitlab.com/g/n")


def test_without_a_public_remote_the_reason_is_given(tmp_path: Path) -> None:
    assert find_repository(clone(tmp_path / "a", None), "") == (
        None,
        "there is no git remote 'origin'",
    )
    repository, why = find_repository(clone(tmp_path / "b", "/srv/secret/place"), "")
    assert repository is None
    assert "secret" not in why


def test_a_folder_inside_another_repository_has_no_remote_of_its_own(tmp_path: Path) -> None:
    outer = clone(tmp_path / "outer", PAGE)
    inner = outer / "book"
    inner.mkdir()
    assert find_repository(inner, "") == (None, "this folder is not a git clone")


def test_a_wrong_setting_is_an_error_that_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ExtensionError, match=r"launch_repository in _config\.yml"):
        find_repository(tmp_path, "owner/name")
    monkeypatch.setenv(launch_links.VARIABLE, "https://example.org/owner/name")
    with pytest.raises(ExtensionError, match=launch_links.VARIABLE):
        find_repository(tmp_path, "")


def test_the_branch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = clone(tmp_path / "a", PAGE)
    assert find_branch(folder) == "main"
    head = ["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk"]
    subprocess.run(["git", "-C", str(folder), *head], check=True)
    assert find_branch(folder) == "trunk"
    monkeypatch.setenv(launch_links.BRANCH_VARIABLE, "draft")
    assert find_branch(folder) == "draft"


def test_options_follow_what_the_host_can_do() -> None:
    def hubs(provider: str) -> set[str]:
        launch = theme_options(Repository(provider, "https://h/o/n"), "main")["launch_buttons"]
        assert isinstance(launch, dict)
        return {key for key in launch if key.endswith("_url")}

    assert hubs("github") == {"binderhub_url", "colab_url"}
    assert hubs("gitlab") == {"binderhub_url"}
    assert hubs("bitbucket") == set()
    off = theme_options(None, "main")
    assert off["launch_buttons"] == {}
    assert off["repository_url"] == ""
    assert off["use_edit_page_button"] is False
    assert off["use_repository_button"] is False
