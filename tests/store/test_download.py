from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from infini_cli.errors import ModelError
from infini_cli.progress import Download, Event, Note, silent
from infini_cli.store.catalog import HubSource, RegistrySource
from infini_cli.store.download import download
from tests.store.server import HUB, Behaviour, model_of, serve

CONTENT = bytes(range(256)) * 40


def hub(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("HF_ENDPOINT", address)


def test_a_whole_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[Event] = []
    with serve(behaviour := Behaviour(CONTENT)) as address:
        hub(monkeypatch, address)
        path = download(model_of(CONTENT, tmp_path), tmp_path, events.append)
    assert path.read_bytes() == CONTENT
    assert behaviour.paths == ["/owner/name/resolve/abc/file.gguf"]
    assert [file.name for file in tmp_path.iterdir()] == ["file.gguf"]
    assert events[-1] == Download("tiny", len(CONTENT), len(CONTENT))


def test_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file.gguf.part").write_bytes(CONTENT[:1000])
    with serve(behaviour := Behaviour(CONTENT)) as address:
        hub(monkeypatch, address)
        path = download(model_of(CONTENT, tmp_path), tmp_path, silent)
    assert behaviour.requests == ["bytes=1000-"]
    assert path.read_bytes() == CONTENT


def test_lost_connections_are_taken_up_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(behaviour := Behaviour(CONTENT, drop_after=3000)) as address:
        hub(monkeypatch, address)
        path = download(model_of(CONTENT, tmp_path), tmp_path, silent)
    assert behaviour.requests == ["", "bytes=3000-", "bytes=6000-", "bytes=9000-"]
    assert path.read_bytes() == CONTENT


def test_a_server_without_ranges_starts_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file.gguf.part").write_bytes(b"x" * 1000)
    with serve(Behaviour(CONTENT, ranges=False)) as address:
        hub(monkeypatch, address)
        path = download(model_of(CONTENT, tmp_path), tmp_path, silent)
    assert path.read_bytes() == CONTENT


def test_a_server_that_brings_nothing_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(behaviour := Behaviour(CONTENT, drop_after=0)) as address:
        hub(monkeypatch, address)
        with pytest.raises(ModelError, match="connection was lost"):
            download(model_of(CONTENT, tmp_path), tmp_path, silent)
    assert len(behaviour.requests) == 3


def test_wrong_bytes_from_before_are_thrown_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file.gguf.part").write_bytes(b"x" * 1000)
    with serve(behaviour := Behaviour(CONTENT)) as address:
        hub(monkeypatch, address)
        path = download(model_of(CONTENT, tmp_path), tmp_path, silent)
    assert behaviour.requests == ["bytes=1000-", ""]
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("served", "reason"),
    [(CONTENT[::-1], "sha256"), (CONTENT + b"x", "bytes"), (CONTENT[:-1], "bytes")],
)
def test_another_file_is_refused(
    served: bytes, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(Behaviour(served)) as address:
        hub(monkeypatch, address)
        with pytest.raises(ModelError, match=reason) as caught:
            download(model_of(CONTENT, tmp_path), tmp_path, silent)
    assert "infini models pull tiny" in (caught.value.hint or "")
    assert list(tmp_path.iterdir()) == []


def test_the_next_source_is_tried_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []

    def fetch_parts(source: object, target: object) -> None:
        begun.append(target.size())  # type: ignore[attr-defined]
        target.path.write_bytes(CONTENT)  # type: ignore[attr-defined]

    monkeypatch.setattr("infini_cli.store.download.fetch_parts", fetch_parts)
    registry = RegistrySource("package", "1", "member", 1, len(CONTENT))
    events: list[Event] = []
    with serve(Behaviour(CONTENT, status=503)) as address:
        hub(monkeypatch, address)
        model = model_of(CONTENT, tmp_path, HUB, registry)
        assert download(model, tmp_path, events.append).read_bytes() == CONTENT
    assert begun == [0]
    (note,) = [event for event in events if isinstance(event, Note)]
    assert "503" in note.text


def test_no_connection_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        hub(monkeypatch, f"http://127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(ModelError, match="no connection"):
            download(model_of(CONTENT, tmp_path), tmp_path, silent)


def test_a_server_that_never_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infini_cli.store.download.CONNECT_SECONDS", 0.05)
    monkeypatch.setattr("infini_cli.store.download.READ_SECONDS", 0.5)
    with socket.socket() as silent_server:
        silent_server.bind(("127.0.0.1", 0))
        silent_server.listen()
        hub(monkeypatch, f"http://127.0.0.1:{silent_server.getsockname()[1]}")
        with pytest.raises(ModelError, match="no answer"):
            download(model_of(CONTENT, tmp_path), tmp_path, silent)


def test_the_hubs_own_offline_switch_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with serve(behaviour := Behaviour(CONTENT)) as address:
        hub(monkeypatch, address)
        with pytest.raises(ModelError, match="HF_HUB_OFFLINE"):
            download(model_of(CONTENT, tmp_path), tmp_path, silent)
    assert behaviour.requests == []


def test_no_proxy_is_in_the_way() -> None:
    # The tests above talk to this machine; say so if the environment would not let them.
    assert not os.environ.get("http_proxy"), "unset http_proxy to test downloads"
    assert HubSource("a/b", "c", "d") != HUB
