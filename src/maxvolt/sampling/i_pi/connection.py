"""A connection to i-PI and the messages that come and go."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
from ase.calculators.socketio import IPIProtocol, SocketClosed
from ase.units import Bohr
from numpy.typing import NDArray

from maxvolt.errors import MaxvoltError
from maxvolt.limits import ATOMS
from maxvolt.sampling.i_pi.address import Address

__all__ = ["Connection", "LostError", "Positions", "connect"]

_PAUSE = 0.2
"""Seconds between attempts to connect."""

_LAST_WORDS = 0.5
"""Seconds for which i-PI is listened to after this client has hung up."""

_CHUNK = 1 << 20

_MOST_BYTES = 10**6
"""Of the string with which i-PI initialises a client; longer ones are no such string."""


class LostError(MaxvoltError):
    """The connection ended without a word from i-PI."""


class Positions(NamedTuple):
    """What i-PI wants to be evaluated.

    Attributes
    ----------
    cell : shape (3, 3), Angstrom
        Lattice vectors as rows.
    positions : shape (N, 3), Angstrom
    """

    cell: NDArray[np.float64]
    positions: NDArray[np.float64]


def connect(address: Address, patience: float) -> Connection:
    """Connect to i-PI.

    Parameters
    ----------
    address
        Where it listens.
    patience : s
        How long to try, for an i-PI that is about to be started.

    Raises
    ------
    MaxvoltError
        Nobody listens there.
    """
    end = time.monotonic() + patience
    while True:
        try:
            return Connection(address.open(), str(address))
        except OSError as error:
            if time.monotonic() >= end:
                waited = f" (tried for {patience:g} s)" if patience else ""
                reason = error.strerror or str(error)
                raise MaxvoltError(
                    f"no i-PI listens at {address}: {reason}{waited}; {address.hint}"
                ) from error
        time.sleep(_PAUSE)


class Connection:
    """Messages from and to i-PI, in the units of ASE.

    Parameters
    ----------
    opened
        A socket that is connected.
    name
        Of the other end, for messages.
    """

    def __init__(self, opened: socket.socket, name: str) -> None:
        self._socket = opened
        self._name = name
        self._protocol: Any = _Protocol(opened)

    def close(self) -> None:
        """Hang up, after what i-PI has sent meanwhile: unread, it would be an error to i-PI."""
        with self._socket, suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
            self._socket.settimeout(_LAST_WORDS)
            while self._socket.recv(_CHUNK):
                pass

    def receive(self) -> str:
        """Wait for the next message and give its name.

        Raises
        ------
        LostError
            The connection has ended.
        MaxvoltError
            It is no message of i-PI.
        """
        try:
            return str(self._protocol.recvmsg())
        except UnicodeDecodeError as error:
            raise self.misunderstood("something that is no text") from error
        except OSError as error:
            raise self._lost(error) from error

    def answer(self, state: str) -> None:
        """Tell the state of this client."""
        try:
            self._protocol.sendmsg(state)
        except OSError as error:
            raise self._lost(error) from error

    def initialization(self) -> int:
        """Receive which replica comes next.

        Raises
        ------
        MaxvoltError
            i-PI is going to send several structures at once.
        """
        try:
            index, length = self._protocol.recv(2, np.int32).tolist()
            if not 0 <= length <= _MOST_BYTES:
                raise self.misunderstood(f"an initialisation of {length} bytes")
            text = self._protocol.recv(length, np.byte).tobytes()
        except OSError as error:
            raise self._lost(error) from error
        if b"batch_size" in text:
            raise MaxvoltError(
                "i-PI is set to send several structures at once; leave batch_size out of its "
                "<ffsocket>: each replica has a neighbour list of its own here"
            )
        return int(index)

    def positions(self, expected: int) -> Positions:
        """Receive cell and positions.

        Parameters
        ----------
        expected
            Number of atoms that there must be.

        Raises
        ------
        MaxvoltError
            There is another number of atoms, or a number is not finite.
        """
        try:
            cell = self._protocol.recv((3, 3), np.float64).T
            self._protocol.recv((3, 3), np.float64)  # the inverse of the cell
            count = int(self._protocol.recv(1, np.int32)[0])
            if count != expected:
                raise self._other_structure(count, expected)
            positions = self._protocol.recv((count, 3), np.float64)
        except OSError as error:
            raise self._lost(error) from error
        if not (np.isfinite(cell).all() and np.isfinite(positions).all()):
            raise MaxvoltError(
                "i-PI sent positions or a cell that are not finite: its dynamics blew up; look at "
                "the last good step, use a shorter time step"
            )
        return Positions(np.ascontiguousarray(cell) * Bohr, positions * Bohr)

    def send(
        self, energy: float, forces: NDArray[np.float64], virial: NDArray[np.float64], extra: str
    ) -> None:
        """Send results.

        Parameters
        ----------
        energy : eV
        forces : shape (N, 3), eV/Angstrom
        virial : shape (3, 3), eV
            Minus volume times stress.
        extra
            What i-PI may write to files, JSON.
        """
        text = np.frombuffer(extra.encode(), np.byte)
        try:
            self._protocol.sendforce(energy, forces, virial, text)
        except OSError as error:
            raise self._lost(error) from error

    def misunderstood(self, found: str) -> MaxvoltError:
        """Make the error for what i-PI does not send."""
        return MaxvoltError(
            f"{self._name} sent {found}, which i-PI does not do; is it i-PI that listens there?"
        )

    def _other_structure(self, count: int, expected: int) -> MaxvoltError:
        if not 0 < count <= ATOMS.most:
            return self.misunderstood(
                f'a structure of {count} atoms (mode="shm" is not known here)'
            )
        return MaxvoltError(
            f"i-PI at {self._name} sent {count} atoms, but STRUCTURE has {expected}: give the "
            "structure that i-PI starts from, all its atoms in the same order"
        )

    def _lost(self, error: OSError) -> LostError:
        why = "closed" if isinstance(error, SocketClosed) else f"broken ({error})"
        return LostError(
            f"the connection to i-PI at {self._name} was {why} before i-PI said that it had "
            "finished: it has died or was killed, or it gave up waiting (<timeout> of its "
            "<ffsocket>); look at its last lines"
        )


class _Protocol(IPIProtocol):
    """ASE's, which asserts that numbers are finite; here that is looked at with more to say."""

    def __init__(self, opened: socket.socket) -> None:
        IPIProtocol.__init__(self, opened)

    def recv(self, shape: Any, dtype: Any) -> NDArray[Any]:
        """Receive an array."""
        content: bytes = IPIProtocol._recvall(self, int(np.dtype(dtype).itemsize * np.prod(shape)))
        return np.frombuffer(content, dtype).reshape(shape)
