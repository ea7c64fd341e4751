"""i-PI drives a potential: it moves the atoms, here are energies, forces and grades."""

from maxvolt.sampling.i_pi.address import Address, InternetAddress, UnixAddress
from maxvolt.sampling.i_pi.client import Client
from maxvolt.sampling.i_pi.connection import Connection, LostError, connect
from maxvolt.sampling.i_pi.replicas import BrokenOffError, Replica, Replicas

__all__ = [
    "Address",
    "BrokenOffError",
    "Client",
    "Connection",
    "InternetAddress",
    "LostError",
    "Replica",
    "Replicas",
    "UnixAddress",
    "connect",
]
