"""Keep both servers of a rospy node accepting when file descriptors or threads run out, and limit its XML-RPC server.

In rospy 1.15 and 1.16 the thread that accepts TCPROS connections ends at the first error of accept() or of the handler,
and the node is deaf from then on. The XML-RPC server has no limit on connections, on time or on the size of a request.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import threading
import time
from typing import Any, Callable, Dict, Optional, Tuple

import rosgraph.xmlrpc
import rospy
from rospy.impl import registration, tcpros_base
from rospy.impl.tcpros_pubsub import TCPROSHandler

BACKLOG = 1024  # connections that the system queues until they are accepted
PAUSE = 0.1  # after an error of accept() [s]
EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)  # errors of accept() without free resources
SUBSCRIBERS = 128  # of all topics together
XMLRPC_CONNECTIONS = 128  # to the XML-RPC server; a further one closes the one that is open longest
XMLRPC_TIMEOUT = 30.0  # longest silence of an XML-RPC client [s]
XMLRPC_REQUEST = 2**20  # bytes of an XML-RPC request


def install() -> None:
    """Replace rospy's accept loop and XML-RPC server. Call it before rospy.init_node; twice does no harm."""
    if rosgraph.xmlrpc.ThreadingXMLRPCServer is LimitedXmlRpcServer:
        return
    tcpros_base.TCPServer.run = accept_connections
    rosgraph.xmlrpc.ThreadingXMLRPCServer = LimitedXmlRpcServer
    connect_subscriber, one_by_one = TCPROSHandler.topic_connection_handler, threading.Lock()

    def connect_within_limit(*arguments: Any) -> Any:
        with one_by_one:  # rospy answers a subscriber before it counts it
            return _too_many_subscribers() or connect_subscriber(*arguments)

    TCPROSHandler.topic_connection_handler = connect_within_limit
    connect_publishers = registration.RegManager.run
    registration.RegManager.run = lambda manager: keep_running(connect_publishers, manager)


def accept_connections(server: Any) -> None:
    """In place of rospy's TCPServer.run: accept and handle connections until shutdown, whatever fails."""
    server.is_shutdown = False
    server.server_sock.listen(BACKLOG)
    acceptor = Acceptor(server.server_sock)
    while not server.is_shutdown:
        connection = acceptor.accept()
        if connection is None:
            continue
        try:
            server.inbound_handler(*connection)
        except Exception as e:  # RuntimeError if no thread can be started
            connection[0].close()
            rospy.logwarn_throttle(5, f"a connection is closed: {e}")


def _too_many_subscribers() -> str:
    """Why a subscriber is refused; "" if it is not."""
    count = sum(len(publication.connections) for publication in registration.get_topic_manager().pubs.values())
    return f"busy: {count} subscribers are connected" if count >= SUBSCRIBERS else ""


def keep_running(run: Callable[[Any], None], manager: Any) -> None:
    """Run rospy's thread that connects to publishers again after an error, such as one at the start of a thread."""
    while not (manager.handler.done or rospy.is_shutdown()):
        try:
            run(manager)
        except Exception as e:
            rospy.logwarn_throttle(5, f"could not connect to a publisher: {e}")
            time.sleep(PAUSE)


class Acceptor:
    """Accepts connections of a listening socket; closes them at once while the process has no descriptor left.

    It keeps one descriptor in reserve, to accept with when there is no other.
    """

    def __init__(self, listening: socket.socket):
        self._listening = listening
        self._reserve: Optional[int] = os.open(os.devnull, os.O_RDONLY)

    def accept(self) -> Optional[Tuple[socket.socket, Any]]:
        """The next connection and its address; None if there is none."""
        try:
            return self._listening.accept()
        except (socket.timeout, InterruptedError, ConnectionAbortedError):
            return None
        except OSError as e:
            if e.errno in EXHAUSTED:
                rospy.logwarn_throttle(5, f"a connection is closed: {e.strerror}")
                self._close_next()
            else:
                time.sleep(PAUSE)
        return None

    def _close_next(self) -> None:
        """Accept the next connection with the reserved descriptor, and close it."""
        if self._reserve is not None:
            os.close(self._reserve)
            self._reserve = None
        with contextlib.suppress(OSError):
            self._listening.accept()[0].close()
        try:
            self._reserve = os.open(os.devnull, os.O_RDONLY)
        except OSError:  # another thread took the descriptor
            time.sleep(PAUSE)


class LimitedRequestHandler(rosgraph.xmlrpc.SilenceableXMLRPCRequestHandler):
    """Ends connections of silent clients, and refuses large requests."""

    timeout = XMLRPC_TIMEOUT

    def do_POST(self) -> None:
        """Serve one request."""
        length = self.headers.get("content-length", "")
        if length.isdigit() and int(length) <= XMLRPC_REQUEST:
            super().do_POST()
        else:
            self.close_connection = True
            self.send_error(413, f"a request must have a length of at most {XMLRPC_REQUEST} bytes, got {length!r}")


class LimitedXmlRpcServer(rosgraph.xmlrpc.ThreadingXMLRPCServer):  # type: ignore[misc, valid-type]
    """rospy's XML-RPC server with a limit on connections. A new one always gets in: the oldest is closed for it.

    XML-RPC clients, the master among them, connect again when a connection that they keep has been closed.
    """

    def __init__(self, address: Tuple[str, int], log_requests: int = 1):
        self._connections: Dict[socket.socket, None] = {}  # in the order of their beginning
        self._lock = threading.Lock()
        super().__init__(address, log_requests)
        self.RequestHandlerClass = LimitedRequestHandler
        self._acceptor = Acceptor(self.socket)

    def get_request(self) -> Tuple[socket.socket, Any]:
        """The next connection. Raises OSError if there is none, which the library ignores."""
        connection = self._acceptor.accept()
        if connection is None:
            raise OSError("no connection was accepted")
        return connection

    def process_request(self, request: socket.socket, client_address: Any) -> None:
        """Serve a connection in a new thread."""
        with self._lock:
            self._connections[request] = None
            if len(self._connections) > XMLRPC_CONNECTIONS:
                oldest = next(iter(self._connections))
                del self._connections[oldest]
                with contextlib.suppress(OSError):
                    oldest.shutdown(socket.SHUT_RDWR)  # its thread reads the end and closes it
        super().process_request(request, client_address)

    def shutdown_request(self, request: socket.socket) -> None:
        """End a connection."""
        with self._lock:
            self._connections.pop(request, None)
        super().shutdown_request(request)
