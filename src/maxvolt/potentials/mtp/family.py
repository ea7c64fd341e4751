"""Moment tensor potentials as a family of potentials."""

from maxvolt.potentials.mtp.files.parser import looks_like_potential as looks_like
from maxvolt.potentials.mtp.potential import read_potential as read
from maxvolt.potentials.mtp.summary import describe

__all__ = ["describe", "looks_like", "read"]
