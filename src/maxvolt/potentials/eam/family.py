"""Embedded-atom potentials as a family of potentials."""

from maxvolt.potentials.eam.potential import read_eam as read
from maxvolt.potentials.eam.tables import looks_like_tables as looks_like

__all__ = ["looks_like", "read"]
