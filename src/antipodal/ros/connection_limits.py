"""Limits against misbehaving clients that rospy lacks: time and size of headers and requests, number of connections.

In rospy 1.15 and 1.16 one thread accepts connections and reads each header without a time limit, so one silent client
blocks all others; and a request is buffered whole, up to the 4 GiB that its length field can say.
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
from antipodal.ros import accept
from antipodal.ros.list_limits import LimitExceeded, end_of

HEADER_TIME = 5.0  # longest wait for a header [s]
MIN_HEADER_TIME = 1.0  # the same, if other connections wait for a slot [s]
HEADER_SIZE = 2**16  # bytes
HEADERS = 64  # headers that are read at once
REQUEST_TIME = 10.0  # from the first byte of a request to its last [s]
CONNECTIONS = 512  # to a service at once
MEMORY = 2**29  # bytes of requests that are being received at once
KEEPALIVE_IDLE, KEEPALIVE_PERIOD = 60, 10  # an idle connection is probed after, and then every [s]
CHUNK = 2**16  # bytes read at once
DRAIN_TIME = 2.0  # a refused client may go on sending for this long, so that it reads the refusal [s]
DRAINING = threading.BoundedSemaphore(256)  # refused clients that are read from at once


def install() -> None:
    """Read headers in separate threads, within limits. Call it before rospy.init_node; twice does no harm."""
    accept.install()
    if tcpros_base.read_ros_handshake_header is read_header:
        return
    slots, handshake = HeaderSlots(HEADERS), tcpros_base.TCPROSServer._tcp_server_callback

    def run(server: Any, sock: socket.socket, address: Any) -> None:
        try:
            handshake(server, sock, address)
        finally:
            slots.release(sock)

    def start(server: Any, sock: socket.socket, address: Any) -> None:
        slots.acquire(sock)
        try:
            threading.Thread(target=run, args=(server, sock, address), daemon=True).start()
        except RuntimeError:  # no thread can be started
            slots.release(sock)
            raise

    tcpros_base.read_ros_handshake_header = read_header
    tcpros_base.TCPROSServer._tcp_server_callback = start


class HeaderSlots:
    """Limits how many connections have their header read at once. The others wait, at most MIN_HEADER_TIME: then the
    oldest connection is closed for the next one."""

    def __init__(self, count: int):
        self._count = count
        self._since: Dict[socket.socket, float] = {}  # when each connection got its slot, oldest first
        self._change = threading.Condition()

    def acquire(self, sock: socket.socket) -> None:
        """Wait for a slot."""
        with self._change:
            while len(self._since) >= self._count:
                oldest = next(iter(self._since))
                left = self._since[oldest] + MIN_HEADER_TIME - time.monotonic()
                if left > 0:
                    self._change.wait(left)
                    continue
                del self._since[oldest]
                with contextlib.suppress(OSError):
                    oldest.shutdown(socket.SHUT_RDWR)  # its thread reads the end and closes it
            self._since[sock] = time.monotonic()

    def release(self, sock: socket.socket) -> None:
        """Free the slot of a connection."""
        with self._change:
            self._since.pop(sock, None)
            self._change.notify()


def read_header(sock: socket.socket, buffer: io.BytesIO, _: int) -> Dict[str, str]:
    """In place of rosgraph.network.read_ros_handshake_header: with limits. Reads nothing after the header."""
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
    """The next `size` bytes, before the time `end` (time.monotonic). Memory grows with what arrives, not with `size`.
    Raises LimitExceeded or OSError."""
    data = bytearray()
    while len(data) < size:
        left = end - time.monotonic()
        if left <= 0:
            raise LimitExceeded(f"only {len(data)} of {size} bytes arrived in time")
        sock.settimeout(left)
        try:
            part = sock.recv(min(CHUNK, size - len(data)))
        except socket.timeout:
            continue
        if not part:
            raise ConnectionError(f"the connection ended after {len(data)} of {size} bytes")
        data += part
    return bytes(data)


def end_if_peer_vanishes(sock: socket.socket) -> None:
    """Have the system end an idle connection whose other side is gone without a word, as after a loss of power."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_IDLE)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_PERIOD)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)


class Budget:
    """An amount that threads reserve parts of."""

    def __init__(self, total: int, unit: str):
        self._free, self._total, self._unit, self._lock = total, total, unit, threading.Lock()

    @contextlib.contextmanager
    def reserve(self, amount: int) -> Iterator[None]:
        """Reserve `amount` inside the block. Raises LimitExceeded if less is free."""
        with self._lock:
            if amount > self._free:
                raise LimitExceeded(f"busy: {self._total - self._free} of {self._total} {self._unit} are in use")
            self._free -= amount
        try:
            yield
        finally:
            with self._lock:
                self._free += amount


class LimitedService(rospy.Service):
    """A service with limits on size, time, memory and connections of its requests."""

    def __init__(self, name: str, service_class: Any, handler: Callable, max_request: int):
        """max_request: bytes."""
        self._max_request = max_request
        self._connections, self._memory = Budget(CONNECTIONS, "connections"), Budget(MEMORY, "bytes of requests")
        super().__init__(name, service_class, handler)

    def handle(self, transport: Any, header: Dict[str, str]) -> None:
        """Serve one connection; rospy calls this in a thread of the connection, after its header."""
        try:
            end_if_peer_vanishes(transport.socket)
            with self._connections.reserve(1):
                self._serve(transport, header)
        except LimitExceeded as e:
            rospy.logwarn_throttle(1, f"{self.resolved_name}: {e}; its connection is closed")
            self._refuse(transport, str(e))
        except (OSError, rospy.exceptions.TransportException) as e:
            rospy.logdebug("%s: a connection broke: %s", self.resolved_name, e)
        finally:
            transport.close()

    def _serve(self, transport: Any, header: Dict[str, str]) -> None:
        if header.get("probe") == "1":
            return
        persistent = header.get("persistent", "").lower() in ("1", "true")
        while not rospy.is_shutdown():
            transport.socket.settimeout(None if persistent else REQUEST_TIME)  # a persistent one may be idle
            with self._request(transport.socket) as request:
                transport.socket.settimeout(REQUEST_TIME)  # for the reply
                self._handle_request(transport, request)
            if not persistent:
                return

    @contextlib.contextmanager
    def _request(self, sock: socket.socket) -> Iterator[Any]:
        """The next request of a connection. Its size stays reserved inside the block."""
        first = sock.recv(1)
        if not first:
            raise ConnectionError("the client has left")
        end = time.monotonic() + REQUEST_TIME
        (size,) = struct.unpack("<I", first + receive(sock, 3, end))
        if size > self._max_request:
            raise LimitExceeded(f"a request of {size} bytes; at most {self._max_request} are read (~max_pixels)")
        with self._memory.reserve(size):
            yield self._decoded(receive(sock, size, end))

    def _decoded(self, data: bytes) -> Any:
        try:
            end_of(self.request_class, data)
            return self.request_class().deserialize(data)
        except (DeserializationError, struct.error, ValueError, MemoryError) as e:
            raise LimitExceeded(f"bytes that are no {self.service_class._type} request: {e}") from e

    def _refuse(self, transport: Any, message: str) -> None:
        """Send an error. Closing while the client still sends would reset the connection before it reads the error."""
        with contextlib.suppress(Exception):  # the client may be gone
            transport.socket.settimeout(DRAIN_TIME)
            self._write_service_error(transport, message)
            transport.socket.shutdown(socket.SHUT_WR)
            if DRAINING.acquire(timeout=DRAIN_TIME):
                try:
                    end = time.monotonic() + DRAIN_TIME
                    while time.monotonic() < end and transport.socket.recv(CHUNK):
                        pass
                finally:
                    DRAINING.release()
