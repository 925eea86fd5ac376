"""A file of known size and sha256, fetched from whichever source answers.

What has arrived lies in `NAME.part`. Since the sha256 names the bytes, it does not matter
where a part came from: what one source began, another may finish. A fetch goes on after the
bytes that are there; should the whole be wrong, it is thrown away and fetched once more.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import queue
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO

from infini_cli.errors import ModelError
from infini_cli.progress import Download, Note, Progress
from infini_cli.store.catalog import CatalogModel, HubSource, Source
from infini_cli.store.registry import fetch_parts
from infini_cli.store.source import SourceFailed, Target

CONNECT_SECONDS = 6.0
"""Within this a source answers or the next is tried."""
READ_SECONDS = 30.0
CHUNK_BYTES = 1 << 20
MAX_STALLS = 3
"""Broken connections in a row, none of which brought a byte."""


def download(model: CatalogModel, folder: Path, progress: Progress) -> Path:
    """Fetch a model's file into a folder, from the first source that has it.

    Args:
        model: what to fetch.
        folder: where to; it must exist, and only one process may work in it.
        progress: told of bytes and of sources that fail.

    Returns:
        the file, whole and verified.

    Raises:
        ModelError: no source has it; each one's reason is in the message.
    """
    path = folder / model.file_name
    target = Target(
        name=model.name,
        path=path.with_name(path.name + ".part"),
        num_bytes=model.num_bytes,
        report=lambda done: progress(Download(model.name, done, model.num_bytes)),
    )
    reasons = []
    for source in model.sources:
        try:
            _fetch_verified(source, model, target)
        except SourceFailed as error:
            reasons.append(f"{source}: {error}")
            progress(Note(f"{source} failed ({error}); trying the next source"))
            continue
        target.path.replace(path)
        return path
    raise ModelError(
        f"`{model.name}` could not be fetched ({'; '.join(reasons)})",
        hint="check the network and run "
        f"`infini models pull {model.name}` again; it goes on where it stopped",
    )


def file_sha256(path: Path, report: Callable[[int], None] = lambda done: None) -> str:
    """Hash a file.

    Args:
        path: the file.
        report: told the bytes hashed so far.

    Raises:
        OSError: it cannot be read.
    """
    digest = hashlib.sha256()
    done = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            done += len(chunk)
            report(done)
    return digest.hexdigest()


def fetch_url(url: str, target: Target) -> None:
    """Fetch a URL to a target, going on after the bytes it has.

    Raises:
        SourceFailed: no answer in time, an error status, another size, a lost connection.
    """
    stalls = 0
    while (have := target.size()) != target.num_bytes:
        if have > target.num_bytes:
            target.clear()
            continue
        try:
            _fetch_rest(url, have, target)
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, urllib.error.HTTPError):
                error.close()
                if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and have:
                    target.clear()
                    continue
            stalls = 0 if target.size() > have else stalls + 1
            # No connection at all is not worth a second try; a lost one is.
            if isinstance(error, urllib.error.URLError) or stalls >= MAX_STALLS:
                raise SourceFailed(_reason(error)) from error


def hub_url(source: HubSource) -> str:
    """Give the address of a file on the hub; `HF_ENDPOINT` names a mirror."""
    endpoint = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
    path = urllib.parse.quote(f"{source.repository}/resolve/{source.revision}/{source.path}")
    return f"{endpoint.rstrip('/')}/{path}"


def _fetch_verified(source: Source, model: CatalogModel, target: Target) -> None:
    for _ in range(2):
        resumed = target.size() > 0
        _fetch(source, target)
        if target.size() == model.num_bytes and file_sha256(target.path) == model.sha256:
            return
        target.clear()
        # Bytes from before may have been at fault: once more, all from this source.
        if not resumed:
            break
    raise SourceFailed("the file's sha256 is not the one expected")


def _fetch(source: Source, target: Target) -> None:
    if not isinstance(source, HubSource):
        fetch_parts(source, target)
    elif os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "TRUE", "YES", "ON"}:
        raise SourceFailed("HF_HUB_OFFLINE is set")
    else:
        fetch_url(hub_url(source), target)


def _fetch_rest(url: str, have: int, target: Target) -> None:
    request = urllib.request.Request(url, headers={"User-Agent": "infini"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    with _open(request) as response:
        start = have if response.status == HTTPStatus.PARTIAL_CONTENT else 0
        length = response.headers.get("Content-Length")
        if length is not None and start + int(length) != target.num_bytes:
            raise SourceFailed(f"it has {start + int(length)} bytes, not {target.num_bytes}")
        if start == 0:
            target.clear()
        with target.path.open("ab") as file:
            _copy(response, file, start, target)


def _copy(response: Any, file: BinaryIO, done: int, target: Target) -> None:
    while chunk := response.read1(CHUNK_BYTES):
        if done + len(chunk) > target.num_bytes:
            raise SourceFailed("it is longer than expected")
        file.write(chunk)
        done += len(chunk)
        target.report(done)
    if done < target.num_bytes:
        raise http.client.IncompleteRead(b"", target.num_bytes - done)


def _open(request: urllib.request.Request) -> Any:
    """Open a URL within `CONNECT_SECONDS`, names included: looking one up has no timeout."""
    answer: queue.SimpleQueue[Any] = queue.SimpleQueue()
    abandoned = threading.Event()

    def ask() -> None:
        try:
            response = urllib.request.urlopen(request, timeout=READ_SECONDS)
            if abandoned.is_set():
                response.close()
            answer.put(response)
        except (OSError, http.client.HTTPException, ValueError) as error:
            answer.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        opened = answer.get(timeout=CONNECT_SECONDS)
    except queue.Empty:
        abandoned.set()
        raise SourceFailed(f"no answer within {CONNECT_SECONDS:.0f} seconds") from None
    if isinstance(opened, ValueError):
        raise SourceFailed(f"`{request.full_url}` is no address")
    if isinstance(opened, Exception):
        raise opened
    return opened


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP status {error.code}"
    if isinstance(error, urllib.error.URLError):
        return "no connection"
    return "the connection was lost"
