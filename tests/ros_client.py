"""A bare TCPROS client of plan_grasp, which can also misbehave."""

from __future__ import annotations

import io
import socket
import struct
from typing import Any

import scenes
from rosgraph.network import read_ros_handshake_header, write_ros_handshake_header
from std_msgs.msg import Header

from antipodal.ros.cell import depth_message, info_message
from antipodal.srv import PlanGrasp, PlanGraspResponse

PATIENCE = 60.0  # longest wait for an answer [s]
DEPTH, MASK = scenes.render([scenes.box((0.03, 0.02), (0.10, 0.03, 0.04), 0.4)])


class Failed(Exception):
    """The service answered with an error instead of a reply."""


def scene_request(**fields: Any) -> Any:
    """A request to plan in a picture of one box."""
    header = Header(frame_id="camera_depth_optical_frame")
    return PlanGrasp._request_class(
        **{
            "depth_image": depth_message(DEPTH, header),
            "camera_info": info_message(scenes.CAMERA, header),
            **fields,
        }
    )


class Client:
    """One connection to plan_grasp."""

    def __init__(self, uri: str, handshake: bool = True):
        """uri: rosrpc://host:port, as the master gives it. Without `handshake`, nothing is said."""
        host, port = uri[len("rosrpc://") :].rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), PATIENCE)
        if handshake:
            fields = {"service": "/plan_grasp", "md5sum": PlanGrasp._md5sum, "callerid": "/test", "persistent": "1"}
            write_ros_handshake_header(self.socket, fields)
            assert "error" not in read_ros_handshake_header(self.socket, io.BytesIO(), 4096)

    def send(self, request: Any) -> None:
        buffer = io.BytesIO()
        request.serialize(buffer)
        self.send_bytes(buffer.getvalue())

    def send_bytes(self, data: bytes) -> None:
        """Send a serialized request."""
        self.socket.sendall(struct.pack("<I", len(data)) + data)

    def receive(self) -> PlanGraspResponse:
        """The reply. Raises Failed, or ConnectionError where the connection ends."""
        (ok, size) = struct.unpack("<BI", self._read(5))
        body = self._read(size)
        if not ok:
            raise Failed(body.decode())
        return PlanGraspResponse().deserialize(body)

    def ask(self, request: Any) -> PlanGraspResponse:
        self.send(request)
        return self.receive()

    def ended(self) -> bool:
        """Whether the other side closes the connection, in good time."""
        try:
            while self.socket.recv(4096):
                pass
        except socket.timeout:
            return False
        except OSError:
            pass
        return True

    def close(self) -> None:
        self.socket.close()

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            if not part:
                raise ConnectionError("the connection ended")
            data += part
        return data
