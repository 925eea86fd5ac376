from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from infini_cli import paths
from infini_cli.errors import ModelError, ModelNotFound
from infini_cli.progress import Event, Note
from infini_cli.store import catalog, inventory, models
from infini_cli.store.catalog import CatalogModel
from tests.store.server import Behaviour, model_of, serve
from tests.store.tiny_gguf import weights, write_gguf


@pytest.fixture
def content(tmp_path: Path) -> bytes:
    return write_gguf(tmp_path / "source.gguf", weights()).read_bytes()


@pytest.fixture
def tiny(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CatalogModel:
    """A catalog of one model, `tiny`."""
    model = model_of(content, tmp_path)
    for module in ("catalog", "inventory", "resolve"):
        monkeypatch.setattr(f"infini_cli.store.{module}.catalog", lambda: (model,))
    return model


@pytest.fixture
def served(
    tiny: CatalogModel, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Behaviour]:
    with serve(behaviour := Behaviour(content)) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        yield behaviour


def forbid_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr("infini_cli.store.registry.subprocess.run", refuse)


def test_pull_list_show_path_verify_remove(served: Behaviour, content: bytes) -> None:
    (before,) = inventory.list_models()
    assert (before.is_installed, before.forms, before.disk_bytes) == (False, (), 0)
    assert not paths.models_dir().exists()

    after = models.pull(form="bfloat16")
    assert after == inventory.status("tiny")
    assert after.is_installed
    assert after.forms == ("bfloat16",)
    assert after.disk_bytes > len(content)
    assert after.file.read_bytes() == content
    assert inventory.path("tiny") == after.folder == paths.models_dir() / "tiny"
    assert inventory.path() == paths.models_dir()
    assert [file.is_good for file in models.verify("tiny")] == [True, True]

    assert models.remove("tiny") == after.disk_bytes
    assert inventory.list_models() == (before,)


def test_a_pulled_model_needs_no_network(
    served: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    models.pull("tiny")
    forbid_network(monkeypatch)
    models.pull("tiny", form="int8", offline=True)
    models.pull("tiny", form="bfloat16")
    assert inventory.status("tiny").forms == ("bfloat16", "int8")
    assert len(served.requests) == 1


def test_offline_never_touches_the_network(
    tiny: CatalogModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbid_network(monkeypatch)
    with pytest.raises(ModelNotFound) as caught:
        models.pull("tiny", offline=True)
    assert caught.value.hint == "run `infini models pull tiny`"


@pytest.mark.parametrize("use", [inventory.installed, inventory.path, models.verify, models.remove])
def test_what_is_not_here_says_how_to_get_it(use, tiny: CatalogModel) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ModelNotFound) as caught:
        use("tiny")
    assert caught.value.exit_code == 4
    assert caught.value.hint == "run `infini models pull tiny`"


def test_two_pulls_at_once_fetch_once(served: Behaviour) -> None:
    results: list[bool] = []

    def pull() -> None:
        results.append(models.pull("tiny", form="int8").is_installed)

    threads = [threading.Thread(target=pull) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 4
    assert len(served.requests) == 1
    assert all(file.is_good for file in models.verify("tiny"))


def test_a_file_that_another_pull_renames_meanwhile_has_no_size(
    served: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    models.pull("tiny")
    before = inventory.status("tiny")
    partial = before.folder / f"{before.model.file_name}.part"
    partial.write_bytes(b"12345")
    stat = Path.stat
    seen = []

    def renamed(path: Path, **options: Any) -> Any:
        if path == partial:
            seen.append(path)
            if len(seen) > 1:  # it was there when it was looked for
                partial.unlink(missing_ok=True)
        return stat(path, **options)

    monkeypatch.setattr(Path, "stat", renamed)
    found = inventory.status("tiny")
    assert (found.partial_bytes, found.disk_bytes) == (0, before.disk_bytes + 5)
    assert len(seen) == 2


def test_who_waits_says_so(served: Behaviour) -> None:
    events: list[Event] = []
    lock = FileLock(paths.models_dir() / ".tiny.lock", thread_local=False)
    paths.models_dir().mkdir(parents=True)
    lock.acquire()

    def hear(event: Event) -> None:
        events.append(event)
        if isinstance(event, Note) and "waiting" in event.text:
            lock.release()

    models.pull("tiny", progress=hear)
    notes = [event.text for event in events if isinstance(event, Note)]
    assert "another infini" in notes[0]
    assert "fetching tiny" in notes[1]


def test_a_model_in_use_is_not_removed(served: Behaviour) -> None:
    models.pull("tiny")
    with (
        FileLock(paths.models_dir() / ".tiny.lock"),
        pytest.raises(ModelError, match="being pulled"),
    ):
        models.remove("tiny")
    assert inventory.status("tiny").is_installed


def test_an_interrupted_pull_is_seen_resumed_and_can_be_removed(
    served: Behaviour, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(event: Event) -> None:
        if not isinstance(event, Note):
            raise KeyboardInterrupt

    monkeypatch.setattr("infini_cli.store.download.CHUNK_BYTES", 5000)
    with pytest.raises(KeyboardInterrupt):
        models.pull("tiny", progress=stop)
    state = inventory.status("tiny")
    assert not state.is_installed
    assert state.partial_bytes == 5000
    models.pull("tiny")
    assert served.requests == ["", "bytes=5000-"]
    assert all(file.is_good for file in models.verify("tiny"))
    models.remove("tiny")
    with pytest.raises(KeyboardInterrupt):
        models.pull("tiny", progress=stop)
    assert models.remove("tiny") == 5000


def test_a_changed_file_is_found(served: Behaviour, content: bytes) -> None:
    file = models.pull("tiny").file
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    (result,) = models.verify("tiny")
    assert not result.is_good
    assert result.found == hashlib.sha256(file.read_bytes()).hexdigest()


def test_changed_weights_are_found(served: Behaviour) -> None:
    state = models.pull("tiny", form="int8")
    weights = state.converted / "model-int8.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    source, converted = models.verify("tiny")
    assert source.is_good
    assert not converted.is_good
    assert converted.file == weights


def test_leftovers_of_a_killed_conversion_are_removed(served: Behaviour) -> None:
    state = models.pull("tiny", form="int8")
    (state.converted / ".infini-0123.tmp").write_bytes(b"x")
    old = state.folder / "converted-0"
    old.mkdir()
    models.convert_installed("tiny", "bfloat16")
    assert not old.exists()
    assert not list(state.converted.glob(".*"))


def test_a_full_disk(tiny: CatalogModel, monkeypatch: pytest.MonkeyPatch) -> None:
    huge = replace(tiny, num_bytes=10**18)
    monkeypatch.setattr("infini_cli.store.catalog.catalog", lambda: (huge,))
    forbid_network(monkeypatch)
    with pytest.raises(ModelError, match="are needed"):
        models.pull("tiny")


def test_a_folder_that_cannot_be_made(
    tiny: CatalogModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("INFINI_HOME", str(tmp_path / "file"))
    with pytest.raises(ModelError) as caught:
        models.pull("tiny")
    assert "INFINI_HOME" in (caught.value.hint or "")


def test_the_catalog_is_the_real_one_elsewhere() -> None:
    assert len(catalog.catalog()) == 3
