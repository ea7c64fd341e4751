"""The client of i-PI: it is asked for its state, sent structures and asked for forces."""

from __future__ import annotations

import json
from collections.abc import Callable

from maxvolt.sampling.i_pi.connection import Connection, Positions
from maxvolt.sampling.i_pi.replicas import Evaluation, Replicas

__all__ = ["Client"]


class Client:
    """Does what i-PI asks for until it says that it has finished.

    After each structure it asks for a new initialisation, because that is where i-PI says which
    replica is next.

    Parameters
    ----------
    replicas
        What evaluates structures.
    progress
        Called after each structure.
    """

    def __init__(self, replicas: Replicas, progress: Callable[[int], None] | None = None) -> None:
        self._replicas = replicas
        self._progress = progress
        self._next: int | None = None
        self._result: Evaluation | None = None

    def serve(self, connection: Connection) -> None:
        """Answer until i-PI says that it has finished.

        Raises
        ------
        LostError
            The connection has ended before; i-PI may come back.
        BrokenOffError
            The rule of two thresholds ends it.
        MaxvoltError
            What is sent is not what a client can work with.
        """
        self._next = self._result = None
        answers = {
            "STATUS": self._tell_state,
            "INIT": self._initialize,
            "POSDATA": self._evaluate,
            "GETFORCE": self._send,
        }
        while (message := connection.receive()) != "EXIT":
            if message not in answers:
                raise connection.misunderstood(f"the message {message!r}")
            answers[message](connection)

    def _tell_state(self, connection: Connection) -> None:
        if self._result is not None:
            connection.answer("HAVEDATA")
        else:
            connection.answer("NEEDINIT" if self._next is None else "READY")

    def _initialize(self, connection: Connection) -> None:
        self._next = connection.initialization()

    def _evaluate(self, connection: Connection) -> None:
        sent: Positions = connection.positions(len(self._replicas.structure))
        index = 0 if self._next is None else self._next
        self._result = self._replicas.evaluate(index, sent.cell, sent.positions)
        if self._progress is not None:
            self._progress(1)

    def _send(self, connection: Connection) -> None:
        result = self._result
        if result is None:
            raise connection.misunderstood("GETFORCE before a structure")
        extra = json.dumps(dict(result.extra), allow_nan=False)
        connection.send(result.energy, result.forces, result.virial, extra)
        self._next = self._result = None
