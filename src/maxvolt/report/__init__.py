"""Tables, JSON documents and plots of what was computed."""

from maxvolt.report.errors_document import errors_document, write_errors_json
from maxvolt.report.errors_table import (
    ensemble_error_table,
    error_table,
    group_error_table,
    print_errors,
    print_fitted,
    slim_table,
)
from maxvolt.report.mlip_text import format_mlip_errors
from maxvolt.report.output import save_figure, write_json
from maxvolt.report.parity import parity_figure, save_parity_plot

__all__ = [
    "ensemble_error_table",
    "error_table",
    "errors_document",
    "format_mlip_errors",
    "group_error_table",
    "parity_figure",
    "print_errors",
    "print_fitted",
    "save_figure",
    "save_parity_plot",
    "slim_table",
    "write_errors_json",
    "write_json",
]
