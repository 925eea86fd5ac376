"""Pull, convert, verify and remove models; `pull` alone touches the network."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from infini_cli import paths
from infini_cli.atomic import TEMPORARY_PREFIX, TEMPORARY_SUFFIX, write_atomically
from infini_cli.errors import ModelError
from infini_cli.progress import Download, Note, Progress, silent
from infini_cli.store.catalog import CatalogModel, default_model, find_model
from infini_cli.store.convert import Form, convert, require_space, weights_path
from infini_cli.store.download import download, file_sha256
from infini_cli.store.inventory import ModelStatus, installed, not_here, status, status_of


@dataclass(frozen=True, slots=True)
class Verification:
    """What checking one of a model's files found.

    Attributes:
        file: what was checked.
        expected: sha256 by the catalog; of weights that were converted here, the one noted then.
        found: sha256 of the file.
    """

    file: Path
    expected: str
    found: str

    @property
    def is_good(self) -> bool:
        """Whether the file is the one expected."""
        return self.expected == self.found


def pull(
    name: str | None = None,
    *,
    form: Form | None = None,
    offline: bool = False,
    progress: Progress = silent,
) -> ModelStatus:
    """Fetch a model unless it is here, and convert it.

    Two pulls at once are safe: the second waits, then finds the model. A pull that was
    stopped goes on where it stopped.

    Args:
        name: in the catalog; None: the default.
        form: of the weights to convert to now; None: none, it is done on first use.
        offline: whether the network must not be touched.
        progress: told of bytes, failing sources and the conversion.

    Returns:
        what is here now.

    Raises:
        ModelNotFound: no such model, or it is not here and `offline` is set.
        ModelError: no source has it, the disk is full, or the folder cannot be written.
    """
    model = find_model(name) if name else default_model()
    found = status_of(model)
    if not found.is_installed:
        if offline:
            raise not_here(model.name)
        with _lock(model, progress), _explain_disk(found.folder):
            _fetch(model, progress)
    if form is not None:
        convert_installed(model.name, form, progress)
    return status_of(model)


def convert_installed(name: str, form: Form, progress: Progress = silent) -> Path:
    """Make sure that a pulled model has a form of its weights.

    Returns:
        the weights file.

    Raises:
        ModelNotFound: it is not here.
        ModelError: the file is damaged, or the disk is full.
    """
    found = installed(name)
    if form in found.forms:
        return weights_path(found.converted, form)
    with _lock(found.model, progress):
        _remove_leftovers(found)
        weights = convert(found.file, found.converted, form, progress)
        write_atomically(_sidecar(weights), file_sha256(weights).encode())
    return weights


def verify(name: str, progress: Progress = silent) -> tuple[Verification, ...]:
    """Hash a model's files again: the one that was fetched, and what was made of it here.

    Raises:
        ModelNotFound: it is not here.
        ModelError: the file cannot be read.
    """
    found = installed(name)
    expected = {found.file: found.model.sha256}
    for form in found.forms:
        weights = weights_path(found.converted, form)
        if _sidecar(weights).is_file():
            expected[weights] = _sidecar(weights).read_text(encoding="utf-8", errors="replace")
    return tuple(_verify(file, sha256, progress) for file, sha256 in expected.items())


def _verify(file: Path, expected: str, progress: Progress) -> Verification:
    try:
        num_bytes = file.stat().st_size
        digest = file_sha256(
            file, lambda done: progress(Download(file.name, done, num_bytes, "checking"))
        )
    except OSError as error:
        raise ModelError(f"`{file}` cannot be read: {error.strerror}") from error
    return Verification(file, expected, digest)


def _sidecar(weights: Path) -> Path:
    """Give the file that notes the sha256 of weights that were converted here."""
    return weights.with_name(weights.name + ".sha256")


def remove(name: str) -> int:
    """Remove a model, unfinished pulls and conversions included.

    Returns:
        the bytes freed.

    Raises:
        ModelNotFound: nothing of it is here.
        ModelError: it is in use, or cannot be removed.
    """
    found = status(name)
    if not found.folder.is_dir():
        raise not_here(name)
    lock = FileLock(_lock_path(found.model))
    try:
        with lock.acquire(timeout=0):
            shutil.rmtree(found.folder)
    except Timeout as error:
        raise ModelError(
            f"`{name}` is being pulled or converted", hint="wait until that is done"
        ) from error
    except OSError as error:
        raise ModelError(f"`{found.folder}` cannot be removed: {error.strerror}") from error
    return found.disk_bytes


def _fetch(model: CatalogModel, progress: Progress) -> None:
    found = status_of(model)
    # Another pull may have finished while this one waited.
    if found.is_installed:
        return
    found.folder.mkdir(parents=True, exist_ok=True)
    require_space(found.folder, model.num_bytes - found.partial_bytes)
    progress(Note(f"fetching {model.name} ({model.num_bytes / 1e6:,.0f} MB), once"))
    download(model, found.folder, progress)


def _remove_leftovers(found: ModelStatus) -> None:
    """Remove what a killed conversion left, and conversions by older versions of infini."""
    for file in found.converted.glob(f"{TEMPORARY_PREFIX}*{TEMPORARY_SUFFIX}"):
        file.unlink(missing_ok=True)
    for folder in found.folder.glob("converted-*"):
        if folder != found.converted:
            shutil.rmtree(folder, ignore_errors=True)


def _lock_path(model: CatalogModel) -> Path:
    # Beside the model's folder, so that removing the folder leaves the lock.
    return paths.models_dir() / f".{model.name}.lock"


@contextmanager
def _lock(model: CatalogModel, progress: Progress) -> Iterator[None]:
    """Hold a model alone; others wait, and say so."""
    path = _lock_path(model)
    with _explain_disk(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            progress(Note(f"another infini is fetching or converting {model.name}; waiting for it"))
            lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _explain_disk(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ModelError(
            f"`{folder}` cannot be written: {error.strerror or error}",
            hint="set INFINI_HOME to a folder that can be written",
        ) from error
