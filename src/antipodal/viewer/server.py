"""The page's server: viser, on loopback alone."""

from __future__ import annotations

import threading
from typing import Any, Callable, List

from antipodal.errors import InputError

HOST = "127.0.0.1"
INSTALL = "the page needs viser: pip install 'antipodal[viewer]'"


def make_server(port: int, title: str) -> Any:
    """A viser server on loopback; port 0: any that is free. Raises InputError where viser is missing or the port is
    taken."""
    if not 0 <= port <= 65535:
        raise InputError(f"--port must be from 0 to 65535, got {port}")
    try:
        import viser
    except ImportError as e:
        raise InputError(INSTALL) from e

    class LocalServer(viser.ViserServer):
        """viser's server without its tunnel, which would show the page to the internet."""

        def request_share_url(self, verbose: bool = True) -> None:
            return None

        def worker(self, work: Callable[[], None]) -> Worker:
            """A worker that writes to the page."""
            workers.append(Worker(work))
            return workers[-1]

        def stop(self) -> None:
            for worker in workers:  # or they write to a page that is gone
                worker.end()
            super().stop()

    workers: List[Worker] = []
    server = LocalServer(host=HOST, port=port, label=title, verbose=False)
    if port and server.get_port() != port:
        server.stop()
        raise InputError(f"port {port} is taken; give another --port, or 0 for any")
    server.gui.configure_theme(
        show_logo=False, show_share_button=False, control_width="large", brand_color=(58, 110, 165)
    )
    server.gui.main_panel.dock_right()
    server.gui.main_panel.set_width(430)
    return server


def address(server: Any) -> str:
    """What to type into a browser."""
    return f"http://{HOST}:{server.get_port()}"


class Worker:
    """Runs one function in a thread of its own, once more after every `ask`; asks that come meanwhile are one."""

    def __init__(self, work: Callable[[], None]):
        self._work, self._asked, self.ended = work, threading.Event(), False
        self._idle, self._asking = threading.Event(), threading.Lock()
        self._idle.set()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def ask(self, *_: object) -> None:
        """Run soon; also as a callback of a control."""
        with self._asking:
            self._idle.clear()
            self._asked.set()

    def wait(self, timeout: float = 60.0) -> bool:
        """Whether all that was asked is done, within `timeout` [s]."""
        return self._idle.wait(timeout)

    def end(self) -> None:
        """No further run begins; returns when the present one is over."""
        self.ended = True
        self._asked.set()
        if threading.current_thread() is not self._thread:
            self._thread.join(10.0)

    def _run(self) -> None:
        while True:
            self._asked.wait()
            self._asked.clear()
            if self.ended:
                return
            try:
                self._work()
            finally:
                with self._asking:
                    if not self._asked.is_set():
                        self._idle.set()
