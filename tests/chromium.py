"""A headless Chromium for tests of pages; they skip where it, its driver or selenium is missing."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

BINARIES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = """--headless --no-sandbox --disable-gpu --use-gl=angle --use-angle=swiftshader --enable-unsafe-swiftshader
--disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync
--force-device-scale-factor=1""".split()


@contextmanager
def chromium(profile: Path, width: int, height: int) -> Iterator[Any]:
    """The driver of a browser with a window of this size [px], whose profile is an empty folder."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium: pip install selenium")
    binary, driver = next(filter(None, map(shutil.which, BINARIES)), None), shutil.which("chromedriver")
    if binary is None or driver is None:
        pytest.skip("needs Chromium and its driver: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in [*FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}"]:
        options.add_argument(flag)
    service = webdriver.ChromeService(driver, env={**os.environ, "SE_OFFLINE": "true"})
    browser = webdriver.Chrome(options=options, service=service)
    try:
        yield browser
    finally:
        browser.quit()


def wait_for(browser: Any, what: Callable[[], Any], seconds: float = 90) -> Any:
    """What `what` gives, once that is true. Raises selenium's TimeoutException."""
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, seconds, poll_frequency=0.2).until(lambda _: what())
