"""The compiled core, `src/maxvolt/core`, for Python."""
