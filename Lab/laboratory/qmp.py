"""QEMU's machine protocol: commands in, answers and events out, over a socket that is already connected."""

import json
import socket
import threading
from typing import Any

from .errors import LabError
from .waiting import Deadline, Journal

JSON = dict[str, Any]


class QMP:
    """A client that reads in a thread of its own, so that no event is lost."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._journal: Journal[JSON] = Journal("QMP")
        self._next = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._journal.first(lambda entry: "QMP" in entry, "greeting", Deadline(30))
        self.execute("qmp_capabilities")

    def execute(self, command: str, arguments: JSON | None = None) -> Any:
        """Runs a command and returns its answer."""
        self._next += 1
        number = self._next
        message = {"execute": command, "id": number, "arguments": arguments or {}}
        self._connection.sendall(json.dumps(message).encode() + b"\n")
        answer = self._journal.first(lambda entry: entry.get("id") == number, f"answer to {command}", Deadline(30))
        if "error" in answer:
            raise LabError(f"QMP {command}: {answer['error'].get('desc')}")
        return answer["return"]

    def event(self, name: str, deadline: Deadline, since: int = 0, **data: Any) -> JSON:
        """The first event of that name, from the position `since` on, whose data has these values."""

        def fits(entry: JSON) -> bool:
            got = entry.get("data", {})
            return entry.get("event") == name and all(got.get(key) == value for key, value in data.items())

        return self._journal.first(fits, f"event {name} {data}", deadline, since)

    def position(self) -> int:
        """Where the next event will stand."""
        return self._journal.count()

    def _read(self) -> None:
        try:
            with self._connection.makefile("rb") as lines:
                for line in lines:
                    self._journal.add(json.loads(line))
        except (OSError, ValueError) as error:
            self._journal.finish(str(error))
        self._journal.finish("connection closed")
