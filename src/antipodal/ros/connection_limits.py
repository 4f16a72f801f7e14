"""Limits against misbehaving clients that rospy lacks: time and size of headers and requests, and connections.

In rospy 1.15 and 1.16 one thread accepts connections and reads each one's header for as long as that takes, so one
silent client keeps all others out; and a request is buffered whole, up to the 4 GiB that its length may say.
"""

from __future__ import annotations

import contextlib
import io
import socket
import struct
import threading
import time
from typing import Any, Callable, Dict, Iterator

import rospy
from genpy import DeserializationError
from rosgraph.network import ROSHandshakeException, decode_ros_handshake_header
from rospy.impl import tcpros_base

from antipodal.errors import AntipodalError

HEADER_TIME = 5.0  # s
HEADER_SIZE = 2**16  # bytes
HEADERS = 64  # connections whose headers are read at once; further ones are closed
REQUEST_TIME = 10.0  # from the first byte of a request to its last [s]
CONNECTIONS = 256  # to a service at once
MEMORY = 2**29  # bytes of requests that are being received at once
CHUNK = 2**16  # bytes read at once


class LimitExceeded(AntipodalError):
    """A client went over a limit; its connection is closed."""

    reason = "over a limit"


def install() -> None:
    """Read headers in threads of their own, within limits. Call it before rospy.init_node; twice does no harm."""
    if tcpros_base.read_ros_handshake_header is read_header:
        return
    places, handshake = threading.BoundedSemaphore(HEADERS), tcpros_base.TCPROSServer._tcp_server_callback

    def run(server: Any, sock: socket.socket, address: Any) -> None:
        try:
            handshake(server, sock, address)
        finally:
            places.release()

    def start(server: Any, sock: socket.socket, address: Any) -> None:
        if places.acquire(blocking=False):
            threading.Thread(target=run, args=(server, sock, address), daemon=True).start()
        else:
            sock.close()

    tcpros_base.read_ros_handshake_header = read_header
    tcpros_base.TCPROSServer._tcp_server_callback = start


def read_header(sock: socket.socket, buffer: io.BytesIO, _: int) -> Dict[str, str]:
    """In place of rosgraph.network.read_ros_handshake_header: with limits. Nothing that follows it is read."""
    try:
        end = time.monotonic() + HEADER_TIME
        length = receive(sock, 4, end)
        (size,) = struct.unpack("<I", length)
        if size > HEADER_SIZE:
            raise LimitExceeded(f"a header of {size} bytes; at most {HEADER_SIZE} are read")
        header = decode_ros_handshake_header(length + receive(sock, size, end))
    except (OSError, AntipodalError, UnicodeDecodeError, struct.error) as e:
        raise ROSHandshakeException(f"no header could be read: {e}") from e
    sock.settimeout(None)
    buffer.seek(0)
    buffer.truncate()
    return header


def receive(sock: socket.socket, size: int, end: float) -> bytes:
    """The next `size` bytes, before the time `end` of time.monotonic(). Memory grows with what arrives, not with what
    was announced. Raises LimitExceeded or OSError."""
    data = bytearray()
    while len(data) < size:
        left = end - time.monotonic()
        if left <= 0:
            raise LimitExceeded(f"{len(data)} of {size} bytes came in the time that there is for them")
        sock.settimeout(left)
        try:
            part = sock.recv(min(CHUNK, size - len(data)))
        except socket.timeout:
            continue
        if not part:
            raise ConnectionError(f"the connection ended after {len(data)} of {size} bytes")
        data += part
    return bytes(data)


class Budget:
    """A number that many threads take from and give back to."""

    def __init__(self, whole: int, what: str):
        self._left, self._whole, self._what, self._lock = whole, whole, what, threading.Lock()

    @contextlib.contextmanager
    def reserve(self, amount: int) -> Iterator[None]:
        """Hold `amount` for a while. Raises LimitExceeded where there is not as much left."""
        with self._lock:
            if amount > self._left:
                raise LimitExceeded(f"busy: {self._whole - self._left} of {self._whole} {self._what} are in use")
            self._left -= amount
        try:
            yield
        finally:
            with self._lock:
                self._left += amount


class LimitedService(rospy.Service):
    """A service that reads requests within limits of size, time, memory and connections."""

    def __init__(self, name: str, kind: Any, handler: Callable, largest: int):
        """largest: bytes of a request."""
        self._largest = largest
        self._connections, self._memory = Budget(CONNECTIONS, "connections"), Budget(MEMORY, "bytes of requests")
        super().__init__(name, kind, handler)

    def handle(self, transport: Any, header: Dict[str, str]) -> None:
        """Serve one connection, in a thread of its own: rospy calls this once its header has been read."""
        try:
            with self._connections.reserve(1):
                self._serve(transport, header)
        except LimitExceeded as e:
            rospy.logwarn_throttle(1, f"{self.resolved_name}: {e}; its connection is closed")
            with contextlib.suppress(Exception):  # the client may be gone
                self._write_service_error(transport, str(e))
        except (OSError, rospy.exceptions.TransportException) as e:
            rospy.logdebug("%s: a connection broke: %s", self.resolved_name, e)
        finally:
            transport.close()

    def _serve(self, transport: Any, header: Dict[str, str]) -> None:
        if header.get("probe") == "1":
            return
        persistent = header.get("persistent", "").lower() in ("1", "true")
        while not rospy.is_shutdown():
            transport.socket.settimeout(None if persistent else REQUEST_TIME)  # one that persists may rest
            with self._request(transport.socket) as request:
                transport.socket.settimeout(REQUEST_TIME)  # nor may the client rest while it is answered
                self._handle_request(transport, request)
            if not persistent:
                return

    @contextlib.contextmanager
    def _request(self, sock: socket.socket) -> Iterator[Any]:
        """The next request of a connection; its size is held of the memory's budget for as long."""
        first = sock.recv(1)
        if not first:
            raise ConnectionError("the client has left")
        end = time.monotonic() + REQUEST_TIME
        (size,) = struct.unpack("<I", first + receive(sock, 3, end))
        if size > self._largest:
            raise LimitExceeded(f"a request of {size} bytes; at most {self._largest} are read (~max_pixels)")
        with self._memory.reserve(size):
            yield self._decoded(receive(sock, size, end))

    def _decoded(self, data: bytes) -> Any:
        try:
            return self.request_class().deserialize(data)
        except (DeserializationError, struct.error, ValueError, MemoryError) as e:
            raise LimitExceeded(f"bytes that are no {self.service_class._type} request: {e}") from e
