"""Words to systemd (sd_notify(3)): a datagram to the socket that it names, and nothing where it names none."""

from __future__ import annotations

import os
import socket
import time


def notify(*words: str) -> None:
    """Send states such as ``READY=1``, ``STOPPING=1`` or ``STATUS=...``; who does not listen misses nothing."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as datagrams:
            datagrams.sendto("\n".join(words).encode(), address)
    except OSError:
        return


def reloading() -> None:
    """Say that the configuration is being reloaded (``Type=notify-reload`` wants the time, too)."""
    notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
