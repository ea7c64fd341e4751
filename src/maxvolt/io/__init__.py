"""Read and write labelled structures; one module per format."""

from maxvolt.io.formats import read, read_with_report, write
from maxvolt.io.read_report import ReadReport
from maxvolt.io.recognition import guess_format

__all__ = ["ReadReport", "guess_format", "read", "read_with_report", "write"]
