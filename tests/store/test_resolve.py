from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from infini_cli import paths
from infini_cli.errors import ModelError, ModelIncompatible, ModelNotFound
from infini_cli.progress import silent
from infini_cli.store import fingerprint as fingerprint_module
from infini_cli.store import hub
from infini_cli.store.catalog import CatalogModel
from infini_cli.store.convert import convert
from infini_cli.store.fingerprint import fingerprint
from infini_cli.store.resolve import ensure, resolve
from tests.store.server import Behaviour, model_of, serve
from tests.store.tiny_gguf import TEMPLATE, weights, write_gguf


@pytest.fixture
def gguf(tmp_path: Path) -> Path:
    return write_gguf(tmp_path / "some.gguf", weights())


@pytest.fixture
def folder(gguf: Path, tmp_path: Path) -> Path:
    """A local folder as transformers saves one."""
    folder = tmp_path / "saved"
    convert(gguf, folder, "float32")
    (folder / "model-float32.safetensors").rename(folder / "model.safetensors")
    return folder


@pytest.fixture
def tiny(gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CatalogModel:
    model = model_of(gguf.read_bytes(), tmp_path)
    for module in ("catalog", "inventory", "resolve"):
        monkeypatch.setattr(f"infini_cli.store.{module}.catalog", lambda: (model,))
    return model


def test_a_catalog_name(tiny: CatalogModel, gguf: Path) -> None:
    with pytest.raises(ModelNotFound) as caught:
        resolve("tiny", form="int8")
    assert caught.value.hint == "run `infini models pull tiny`"
    with pytest.raises(ModelNotFound):
        ensure("tiny", form="int8", offline=True)

    target = paths.models_dir() / "tiny"
    target.mkdir(parents=True)
    shutil.copy(gguf, target / "file.gguf")
    found = resolve("tiny", form="int8")
    assert found.name == "tiny"
    assert found.checkpoint == tiny.sha256
    assert found.segment_length == 64
    assert found.config["model_type"] == "llama"
    assert (found.folder / "chat_template.jinja").read_text() == TEMPLATE
    assert found.tokenizer.is_file()
    (int8,) = found.weights("int8", silent)
    assert int8.name == "model-int8.safetensors"
    # Another form is derived when it is asked for.
    (other,) = found.weights("bfloat16", silent)
    assert other.is_file()


def test_the_first_use_pulls(
    tiny: CatalogModel, gguf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(behaviour := Behaviour(gguf.read_bytes())) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        assert ensure(None, form="int8").name == "tiny"
        assert ensure("tiny", form="int8").name == "tiny"
    assert len(behaviour.requests) == 1


def test_a_folder(folder: Path) -> None:
    found = resolve(str(folder), form="bfloat16")
    assert found.name == "saved"
    assert found.weights("int8", silent) == (folder / "model.safetensors",)
    # No longer than what it was trained on.
    assert found.segment_length == 512
    assert found.checkpoint != resolve(str(folder), form="int8").name


def test_a_changed_weight_is_another_checkpoint(folder: Path) -> None:
    before = resolve(str(folder), form="int8").checkpoint
    assert resolve(str(folder), form="int8").checkpoint == before
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x00")
    assert resolve(str(folder), form="int8").checkpoint != before


def test_a_folder_in_shards(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model-1.safetensors")
    shutil.copy(folder / "model-1.safetensors", folder / "model-2.safetensors")
    (folder / "stray.safetensors").write_bytes(b"")
    index = folder / "model.safetensors.index.json"

    def write(*names: str) -> None:
        index.write_text(json.dumps({"weight_map": dict(zip("abc", names, strict=False))}))

    write("model-2.safetensors", "model-1.safetensors", "model-1.safetensors")
    names = [path.name for path in resolve(str(folder), form="int8").weights("int8", silent)]
    assert names == ["model-1.safetensors", "model-2.safetensors"]
    write("absent.safetensors")
    with pytest.raises(ModelIncompatible, match=r"lacks absent\.safetensors"):
        resolve(str(folder), form="int8")
    write("../saved/model-1.safetensors")
    with pytest.raises(ModelIncompatible, match="outside its folder"):
        resolve(str(folder), form="int8")


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("config.json", None, ModelNotFound),
        ("config.json", b"{", ModelIncompatible),
        ("config.json", b"[" * 100_000, ModelIncompatible),
        ("config.json", b"[]", ModelIncompatible),
        ("config.json", b"\xff", ModelIncompatible),
        ("config.json", b"{}", ModelIncompatible),
        ("tokenizer.json", None, ModelIncompatible),
        ("model.safetensors", None, ModelIncompatible),
    ],
)
def test_an_incomplete_folder(
    name: str, content: bytes | None, error: type[Exception], folder: Path
) -> None:
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content)
    with pytest.raises(error):
        resolve(str(folder), form="int8")


def test_pickled_weights_are_not_loaded(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelIncompatible) as caught:
        resolve(str(folder), form="int8")
    assert "never loaded" in (caught.value.hint or "")


@pytest.mark.parametrize("name", ["~nosuchuser/model", "m" * 300, "a\0b"])
def test_a_name_that_can_be_no_path_is_no_model(name: str) -> None:
    with pytest.raises(ModelNotFound) as caught:
        resolve(name, form="int8")
    assert len(caught.value.message) < 120


@pytest.mark.parametrize(
    ("settings", "length"),
    [
        ({"max_position_embeddings": 512}, 512),
        ({"max_position_embeddings": 32768}, 1024),
        ({"max_position_embeddings": None}, 1024),
        ({"sliding_window": 256}, 256),
        ({"sliding_window": 256, "use_sliding_window": False}, 512),
        ({"sliding_window": None}, 512),
    ],
)
def test_segments_are_no_longer_than_what_the_base_attends_to(
    folder: Path, settings: dict[str, int | None], length: int
) -> None:
    write_settings(folder, settings)
    assert resolve(str(folder), form="int8").segment_length == length


@pytest.mark.parametrize("value", [-5, 0, True, 2.5, "many"])
def test_a_length_that_is_none_is_refused(folder: Path, value: object) -> None:
    write_settings(folder, {"max_position_embeddings": value})
    with pytest.raises(ModelIncompatible, match="max_position_embeddings"):
        resolve(str(folder), form="int8")


def write_settings(folder: Path, settings: Mapping[str, object]) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **settings}))


def test_a_gguf_file_is_converted_once(gguf: Path) -> None:
    found = resolve(str(gguf), form="int8")
    assert found.name == "some"
    assert found.folder.is_relative_to(paths.cache_dir())
    (path,) = found.weights("int8", silent)
    before = path.stat().st_mtime_ns
    (again,) = resolve(str(gguf), form="int8").weights("int8", silent)
    assert again.stat().st_mtime_ns == before


def test_a_file_of_another_kind(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(b"x")
    with pytest.raises(ModelIncompatible, match="no GGUF"):
        resolve(str(path), form="int8")


@pytest.mark.parametrize("name", ["./absent", "/absent/model", "absent.gguf"])
def test_a_path_that_is_not_there(name: str) -> None:
    with pytest.raises(ModelNotFound, match="no file or folder"):
        resolve(name, form="int8")


def test_a_misspelt_name() -> None:
    with pytest.raises(ModelNotFound) as caught:
        resolve("smollm2-135-infini", form="int8")
    assert caught.value.hint == "did you mean `smollm2-135m-infini`?"


def put_into_hub_cache(folder: Path, cache: Path) -> None:
    """Lay a model out as the hub library does, at branch `main` and tag `v1`."""
    commit = "0123456789" * 4
    repository = cache / "models--owner--some"
    shutil.copytree(folder, repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    for reference in ("main", "v1"):
        (repository / "refs" / reference).write_text(commit)


def test_a_hub_name_is_found_in_the_cache_and_never_fetched(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise AssertionError("the network was touched")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("socket.getaddrinfo", refuse)
    with pytest.raises(ModelNotFound) as caught:
        resolve("owner/some@v1", form="int8")
    assert caught.value.hint == "run `infini models pull owner/some@v1`"
    put_into_hub_cache(folder, paths.data_dir() / "hub")
    for name in ("owner/some", "owner/some@v1"):
        assert resolve(name, form="int8").name == name
    with pytest.raises(ModelNotFound):
        resolve("owner/some@v2", form="int8")
    assert hub.pull_snapshot("owner/some", offline=True).is_dir()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("owner/name", True),
        ("owner/name@main", True),
        ("owner/na.me-1_2@refs/pr/1", True),
        ("name", False),
        ("../name", False),
        ("owner/..", False),
        ("a/b/c", False),
        ("owner/name@", False),
    ],
)
def test_hub_names(name: str, expected: bool) -> None:
    assert hub.is_hub_name(name) is expected


def test_no_code_and_no_pickles_are_fetched() -> None:
    from fnmatch import fnmatch

    def fetched(name: str) -> bool:
        return any(fnmatch(name, pattern) for pattern in hub.PATTERNS)

    assert all(map(fetched, ("model-00001-of-2.safetensors", "config.json", "tokenizer.json")))
    assert not any(map(fetched, ("pytorch_model.bin", "modeling_x.py", "model.pt", "x.pkl")))


def test_files_are_hashed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"content")
    first = fingerprint((path,))
    monkeypatch.setattr(fingerprint_module, "file_sha256", lambda path: "read again")
    assert fingerprint((path,)) == first
    (paths.cache_dir() / "fingerprints.json").write_bytes(b"damaged")
    assert fingerprint((path,)) == "read again"
    with pytest.raises(ModelError, match="cannot be read"):
        fingerprint((tmp_path / "absent",))
