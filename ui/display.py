"""Whether there is a display to open a window on: Qt ends the process, with a core dump, if not.

Asked the way Qt will ask, through the same libraries, so that a server that is gone, or that does
not let this user in, is known before. Nothing of Qt is imported here.
"""

import os
import sys
from collections.abc import Mapping

NAMED = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")


def hindrance(environment: Mapping[str, str] = os.environ) -> str:
    """Return why no window can be opened, in one sentence, "" where one can."""
    if sys.platform in ("win32", "darwin"):
        return ""
    if not any(environment.get(name) for name in NAMED):
        return "there is no display to open a window on."
    # Several may be named, to be tried in turn, each with options after a colon.
    wanted = [name.partition(":")[0] for name in environment.get("QT_QPA_PLATFORM", "").split(";")]
    asked = [name for name in wanted if name] or ["wayland", "xcb"]
    if any(not name.startswith("wayland") and name != "xcb" for name in asked):
        return ""  # it draws without a display: offscreen, a frame buffer, a remote screen
    display, wayland = environment.get("DISPLAY", ""), environment.get("WAYLAND_DISPLAY", "")
    # The name is that of a socket in the session's own folder; without one the library complains.
    reachable = wayland.startswith("/") or bool(wayland and environment.get("XDG_RUNTIME_DIR"))
    if any(name.startswith("wayland") for name in asked) and reachable and _wayland_answers():
        return ""
    if "xcb" in asked and display and _x11_answers():
        return ""
    tried = " and ".join(filter(None, (wayland, display))) or "none is named"
    return f"the display does not answer ({tried})."


def _x11_answers() -> bool:
    import ctypes

    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return True  # Qt says what is missing, in its own words
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connection_has_error.argtypes = [ctypes.c_void_p]
    xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(None, None)
    answers = not xcb.xcb_connection_has_error(connection)
    xcb.xcb_disconnect(connection)
    return answers


def _wayland_answers() -> bool:
    import ctypes

    try:
        wayland = ctypes.CDLL("libwayland-client.so.0")
    except OSError:
        return False  # Qt cannot reach it either, and takes X11
    wayland.wl_display_connect.restype = ctypes.c_void_p
    wayland.wl_display_disconnect.argtypes = [ctypes.c_void_p]
    connection = wayland.wl_display_connect(None)
    if not connection:
        return False
    wayland.wl_display_disconnect(connection)
    return True
