"""A Hugging Face Hub of the standard library: repositories, commits, tags, files.

What huggingface_hub asks for when it uploads a folder and downloads a snapshot, large
files and their storage included. `faults` makes it fail on purpose.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

LARGE = (".safetensors", ".parquet")


@dataclass
class Hub:
    """What a Hub holds.

    Attributes:
        address: where it listens.
        commits: by repository and commit, the files by name.
        refs: by repository, branches and tags to commits.
        stored: large files by digest.
        breaks: by file name, how many bytes are sent before the connection breaks,
            once for each entry of the list.
        altered: names of files that are sent with a byte changed.
        missing: names of files that are listed and not there.
        asked: the requests, in order.
        user: who every token is of, and their organisations.
        refused: repositories that may not be made.
        lasts: how many requests that write are answered before it fails for good.
        collections: repositories by the collection's owner and title.
    """

    address: str = ""
    commits: dict[str, dict[str, dict[str, bytes]]] = field(default_factory=dict)
    refs: dict[str, dict[str, str]] = field(default_factory=dict)
    stored: dict[str, bytes] = field(default_factory=dict)
    breaks: dict[str, list[int]] = field(default_factory=dict)
    altered: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    user: tuple[str, ...] = ("me", "our-lab")
    refused: set[str] = field(default_factory=set)
    lasts: int = 10**9
    collections: dict[str, list[str]] = field(default_factory=dict)

    def commit(self, repo: str, files: dict[str, bytes]) -> str:
        """Put files on the main branch, and return the commit."""
        text = json.dumps([repo, len(self.commits.get(repo, {}))])
        text += "".join(
            f"{n}{hashlib.sha256(d).hexdigest()}" for n, d in sorted(files.items())
        )
        sha = hashlib.sha1(text.encode()).hexdigest()
        self.commits.setdefault(repo, {})[sha] = files
        self.refs.setdefault(repo, {})["main"] = sha
        return sha

    def find(self, repo: str, revision: str) -> str | None:
        if revision in self.commits.get(repo, {}):
            return revision
        return self.refs.get(repo, {}).get(revision)


@contextmanager
def serving() -> Iterator[Hub]:
    """Run a Hub in a thread."""
    hub = Hub()

    class Handler(_Handler):
        pass

    Handler.hub = hub
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _json(self, data: Any, status: int = 200, **headers: str) -> None:
        body = json.dumps(data).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _none(self, code: str) -> None:
        self._json({"error": code}, 404, X_Error_Code=code, X_Error_Message=code)

    def _body(self) -> bytes:
        size = self.headers.get("Content-Length")
        if size is not None:
            return self.rfile.read(int(size))
        data = b""
        while length := int(self.rfile.readline().strip() or b"0", 16):
            data += self.rfile.read(length)
            self.rfile.readline()
        self.rfile.readline()
        return data

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append(f"{self.command} {path} {self.headers.get('Range', '')}")
        if path == "/api/whoami-v2":
            name, *orgs = self.hub.user
            self._json({"name": name, "orgs": [{"name": org} for org in orgs]})
        elif match := re.fullmatch(r"/api/collections/([^/]+/[^/]+)", path):
            self._collection(match[1])
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)(/revision/(.+))?", path):
            self._info(match[1], match[3] or "main")
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/tree/([^/]+)", path):
            self._tree(match[1], match[2])
        elif match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._resolve(match[1], match[2], match[3])
        else:
            self._none("EntryNotFound")

    do_HEAD = do_GET

    def _info(self, repo: str, revision: str) -> None:
        if repo not in self.hub.refs:
            self._none("RepoNotFound")
            return
        sha = self.hub.find(repo, revision)
        if sha is None:
            self._none("RevisionNotFound")
            return
        files = [{"rfilename": name} for name in self.hub.commits[repo][sha]]
        self._json({"id": repo, "modelId": repo, "sha": sha, "siblings": files})

    def _tree(self, repo: str, revision: str) -> None:
        sha = self.hub.find(repo, revision)
        if sha is None:
            code = "RevisionNotFound" if repo in self.hub.refs else "RepoNotFound"
            self._none(code)
            return
        self._json([_listed(n, d) for n, d in self.hub.commits[repo][sha].items()])

    def _resolve(self, repo: str, revision: str, name: str) -> None:
        sha = self.hub.find(repo, revision)
        if sha is None:
            self._none("RevisionNotFound")
            return
        data = self.hub.commits[repo][sha].get(name)
        if data is None or name in self.hub.missing:
            self._none("EntryNotFound")
            return
        digest = hashlib.sha256(data).hexdigest()
        if name in self.hub.altered:
            data = bytes([data[0] ^ 1]) + data[1:]
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(asked[1]) if asked else 0
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header(
                "Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}"
            )
        self.send_header("Content-Length", str(len(data) - start))
        self.send_header("ETag", f'"{digest}"')
        self.send_header("X-Repo-Commit", sha)
        self.end_headers()
        if self.command == "HEAD":
            return
        if self.hub.breaks.get(name):
            self.wfile.write(data[start : start + self.hub.breaks[name].pop(0)])
            self.wfile.flush()
            self.connection.close()
            self.close_connection = True
            return
        self.wfile.write(data[start:])

    def do_POST(self) -> None:
        path, body = unquote(urlsplit(self.path).path), self._body()
        self.hub.asked.append(f"POST {path}")
        self.hub.lasts -= 1
        if self.hub.lasts < 0:
            self._json({"error": "out of order"}, 500)
        elif path == "/api/collections":
            asked = json.loads(body)
            slug = f"{asked['namespace']}/{re.sub('[^a-z]+', '-', asked['title'])}"
            known = slug in self.hub.collections
            self.hub.collections.setdefault(slug, [])
            self._collection(slug, 409 if known else 200)
        elif match := re.fullmatch(r"/api/collections/(.+)/items", path):
            self.hub.collections[match[1]].append(json.loads(body)["item"]["id"])
            self._collection(match[1])
        elif path == "/api/repos/create":
            asked = json.loads(body)
            repo = f"{asked['organization']}/{asked['name']}"
            if repo in self.hub.refused:
                self._json({"error": "You don't have the rights"}, 403)
                return
            known = repo in self.hub.refs
            if not known:
                self.hub.commit(repo, {".gitattributes": b"*.parquet filter=lfs\n"})
            self._json(
                {"url": f"{self.hub.address}/{repo}", "name": repo, "id": repo},
                409 if known else 200,
            )
        elif path == "/api/validate-yaml":
            self._json({"errors": [], "warnings": []})
        elif match := re.fullmatch(r"/api/models/(.+)/preupload/(.+)", path):
            self._json({"files": [_mode(f["path"]) for f in json.loads(body)["files"]]})
        elif match := re.fullmatch(r"/(.+)\.git/info/lfs/objects/batch", path):
            objects = [self._where(o) for o in json.loads(body)["objects"]]
            self._json({"transfer": "basic", "objects": objects})
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/commit/(.+)", path):
            self._commit(match[1], body)
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/tag/(.+)", path):
            refs, tag = self.hub.refs[match[1]], json.loads(body)["tag"]
            refs[tag] = self.hub.find(match[1], match[2]) or ""
            self._json({})
        else:
            self._none("EntryNotFound")

    def _collection(self, slug: str, status: int = 200) -> None:
        items = [
            {"_id": name, "id": name, "type": "model", "position": at}
            for at, name in enumerate(self.hub.collections[slug])
        ]
        said = {"slug": slug, "title": slug, "owner": {}, "items": items, "position": 0}
        said |= {"private": False, "theme": "green", "upvotes": 0}
        self._json({**said, "lastUpdated": "2026-01-01T00:00:00.000Z"}, status)

    def _where(self, wanted: dict[str, Any]) -> dict[str, Any]:
        href = f"{self.hub.address}/store/{wanted['oid']}"
        return {**wanted, "actions": {"upload": {"href": href}}}

    def do_PUT(self) -> None:
        data = self._body()
        digest = self.path.rpartition("/")[2]
        assert hashlib.sha256(data).hexdigest() == digest
        self.hub.stored[digest] = data
        self._json({})

    def _commit(self, repo: str, body: bytes) -> None:
        files = dict(self.hub.commits[repo][self.hub.refs[repo]["main"]])
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.stored[value["oid"]]
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        sha = self.hub.commit(repo, files)
        url = f"{self.hub.address}/{repo}/commit/{sha}"
        self._json({"success": True, "commitOid": sha, "commitUrl": url})


def _mode(path: str) -> dict[str, Any]:
    mode = "lfs" if path.endswith(LARGE) else "regular"
    return {"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": None}


def _listed(name: str, data: bytes) -> dict[str, Any]:
    entry = {
        "type": "file",
        "path": name,
        "size": len(data),
        "oid": hashlib.sha1(data).hexdigest(),
    }
    if name.endswith(LARGE):
        oid = hashlib.sha256(data).hexdigest()
        entry["lfs"] = {"oid": oid, "size": len(data), "pointerSize": 130}
    return entry
