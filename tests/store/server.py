"""A little HTTP server that can be told to misbehave, and a model that it serves."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from infini_cli.store.catalog import CatalogModel, HubSource, Source

HUB = HubSource("owner/name", "abc", "file.gguf")


@dataclass
class Behaviour:
    """What the server does.

    Attributes:
        content: what it serves.
        ranges: whether it honours Range.
        drop_after: bytes after which it closes each connection, None: never.
        status: an error it answers instead.
        requests: Range headers it was sent, in order.
    """

    content: bytes
    ranges: bool = True
    drop_after: int | None = None
    status: int | None = None
    requests: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


@contextmanager
def serve(behaviour: Behaviour) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range", "")
            behaviour.requests.append(wanted)
            behaviour.paths.append(self.path)
            if behaviour.status is not None:
                self.send_error(behaviour.status)
                return
            start = int(wanted[6:-1]) if wanted and behaviour.ranges else 0
            body = behaviour.content[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: behaviour.drop_after])

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def model_of(content: bytes, folder: Path, *sources: Source) -> CatalogModel:
    """Describe a model whose file has that content."""
    return CatalogModel(
        name="tiny",
        base="owner/base",
        licence="Apache-2.0",
        summary="a test",
        num_parameters=1,
        segment_length=64,
        min_trust=0.6,
        is_default=True,
        file_name="file.gguf",
        num_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        sources=sources or (HUB,),
        folder=folder,
    )
