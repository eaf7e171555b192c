"""Takes alerts from the outbox to one alert sink, in their order, again until they arrive."""

from __future__ import annotations

import logging
import random
import threading
import time

from auditor import failpoints
from auditor.alerts import AlertSink
from auditor.errors import AlertRejected, AlertSinkUnavailable, AuditorError
from auditor.state import outbox
from auditor.state.database import Database

_LOG = logging.getLogger("auditor.alerts")
_AT_ONCE = 100
#: Seconds before another attempt, after so many in vain; from the last one on every half hour.
_WAITS = (1.0, 5.0, 30.0, 300.0, 1800.0)


class AlertWorker:
    """Delivers on a thread of its own: an alert sink that is down slows nothing and loses nothing."""

    def __init__(self, database: Database, name: str, alert_sink: AlertSink) -> None:
        """Take an open alert sink under its configured name."""
        self._database, self._name, self._alert_sink = database, name, alert_sink
        self._wake = threading.Event()
        self._stopping = False
        self._not_before = 0.0
        self._thread = threading.Thread(target=self._run, name=f"alerts {name}", daemon=True)

    def start(self) -> None:
        """Start delivering."""
        self._thread.start()

    def wake(self) -> None:
        """Look into the outbox now."""
        self._wake.set()

    def stop(self, seconds: float) -> None:
        """Deliver what waits, within a time, and end; the rest stays in the outbox."""
        self._stopping = True
        self._wake.set()
        self._thread.join(seconds)
        self._alert_sink.close()

    def _run(self) -> None:
        """Deliver until stopped and nothing is left that could be."""
        while True:
            try:
                more = time.monotonic() >= self._not_before and self.deliver()
            except AuditorError as error:
                _LOG.warning("%s: %s", self._name, error)
                more = False
            if more:
                continue
            if self._stopping:
                return
            self._wake.wait(1.0)
            self._wake.clear()

    def deliver(self) -> bool:
        """Deliver what waits, oldest first; return whether there may be more."""
        pending = outbox.waiting(self._database, self._name, _AT_ONCE)
        arrived: list[int] = []
        try:
            for number, event_id, body, attempts in pending:
                try:
                    self._alert_sink.send(event_id, body)
                except AlertRejected as error:
                    _LOG.error("%s: an alert was refused and put aside: %s", self._name, error)
                    outbox.give_up(self._database, number, error.what)
                    continue
                except AlertSinkUnavailable as error:
                    wait = _WAITS[min(attempts, len(_WAITS) - 1)] * random.uniform(0.5, 1)  # noqa: S311 - jitter
                    _LOG.warning("%s: %s; again in %.0f s", self._name, error, wait)
                    outbox.failed(self._database, number)
                    self._not_before = time.monotonic() + wait
                    return False
                failpoints.reach("alert-sent")
                arrived.append(number)
        finally:
            if arrived:
                outbox.delivered(self._database, arrived)
        return len(pending) == _AT_ONCE
