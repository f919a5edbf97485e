"""Stands between an S3 client and its server, and does to requests what networks, proxies and servers do to them."""

from __future__ import annotations

import http.client
import math
import ssl
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import urlsplit


@dataclass
class Request:
    method: str
    path: str
    headers: http.client.HTTPMessage
    body: bytes


@dataclass
class _Fault:
    kind: str
    times: float
    methods: tuple[str, ...]
    status: int = 0
    code: str = ""
    seconds: float = 0.0
    started: threading.Event = field(default_factory=threading.Event)


class FaultProxy:
    """Forwards to ``upstream`` (``http://host:port``) and keeps every request in ``requests``.

    Each method below arms a fault for the next ``times`` requests with one of ``methods`` (all, if none is given).
    With ``tls``, clients speak HTTPS to it.
    """

    def __init__(self, upstream: str, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.ignore_conditions = False
        self.strip_date = False
        self._faults: list[_Fault] = []
        self._lock = threading.Lock()
        self._upstream = urlsplit(upstream).netloc
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def reset(self) -> None:
        """No fault is armed, no request was made."""
        with self._lock:
            self._faults.clear()
            self.requests.clear()
        self.ignore_conditions = False
        self.strip_date = False

    def answer(self, status: int, code: str, times: float = math.inf, methods: tuple[str, ...] = ()) -> None:
        """An S3 error in the server's place."""
        self._arm(_Fault("answer", times, methods, status=status, code=code))

    def drop(self, times: float = 1, methods: tuple[str, ...] = ()) -> None:
        """The connection ends before the request gets to the server."""
        self._arm(_Fault("drop", times, methods))

    def drop_answer(self, times: float = 1, methods: tuple[str, ...] = ()) -> None:
        """The server does what it was asked, and the connection ends before its answer."""
        self._arm(_Fault("drop_answer", times, methods))

    def truncate(self, times: float = 1) -> None:
        """The connection ends in the middle of what is being read."""
        self._arm(_Fault("truncate", times, ("GET",)))

    def corrupt(self, times: float = 1, methods: tuple[str, ...] = ("GET", "PUT")) -> None:
        """A bit of what is sent or read is flipped."""
        self._arm(_Fault("corrupt", times, methods))

    def delay(self, seconds: float, times: float = 1, methods: tuple[str, ...] = ()) -> threading.Event:
        """The server takes long. The event is set when the first such request has come."""
        return self._arm(_Fault("delay", times, methods, seconds=seconds))

    def count(self, method: str) -> int:
        return sum(request.method == method for request in self.requests)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> FaultProxy:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _arm(self, fault: _Fault) -> threading.Event:
        with self._lock:
            self._faults.append(fault)
        return fault.started

    def take(self, request: Request) -> _Fault | None:
        with self._lock:
            self.requests.append(request)
            for fault in self._faults:
                if fault.times > 0 and (not fault.methods or request.method in fault.methods):
                    fault.times -= 1
                    fault.started.set()
                    return fault
        return None

    def forward(self, request: Request) -> tuple[int, list[tuple[str, str]], bytes]:
        left_out = {"expect", "connection"} | ({"if-none-match"} if self.ignore_conditions else set())
        upstream = http.client.HTTPConnection(self._upstream, timeout=60)
        try:
            upstream.putrequest(request.method, request.path, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers.items():
                if name.lower() not in left_out:
                    upstream.putheader(name, value)
            upstream.endheaders(request.body)
            answer = upstream.getresponse()
            hop = {"connection", "transfer-encoding", "keep-alive"} | ({"date"} if self.strip_date else set())
            return answer.status, [h for h in answer.getheaders() if h[0].lower() not in hop], answer.read()
        finally:
            upstream.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    proxy: FaultProxy

    def handle_error(self, *_: object) -> None:
        """A client that goes away is what some faults are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _serve(self) -> None:
        proxy = self.server.proxy
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = Request(self.command, self.path, self.headers, body)
        fault = proxy.take(request)
        kind = fault.kind if fault else ""
        if fault and kind == "answer":
            error = f"<Error><Code>{fault.code}</Code><Message>{fault.code}</Message></Error>".encode()
            self._send(fault.status, [("Content-Type", "application/xml"), ("Content-Length", str(len(error)))], error)
            return
        if fault and kind == "delay":
            time.sleep(fault.seconds)
        if kind == "drop":
            self.close_connection = True
            return
        if kind == "corrupt" and request.method == "PUT":
            request.body = _flipped(body)
        status, headers, content = proxy.forward(request)
        if kind == "drop_answer":
            self.close_connection = True
            return
        if kind == "corrupt" and request.method == "GET":
            content = _flipped(content)
        if kind == "truncate":
            self.close_connection = True
            content = content[: len(content) // 2]
        self._send(status, headers, content)

    def _send(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _serve

    def log_message(self, *_: object) -> None:
        pass


def _flipped(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])
