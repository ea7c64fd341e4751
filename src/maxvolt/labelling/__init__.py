"""Labelling: reference calculations under supervision, and the store that keeps their labels."""

from maxvolt.labelling.codes import SHORT_NAMES
from maxvolt.labelling.limits import LabelLimits
from maxvolt.labelling.manual import Collected, WrittenJobs, collect_jobs, write_jobs
from maxvolt.labelling.reference import Reference
from maxvolt.labelling.results import LabelProgress, LabelResult, Quarantined
from maxvolt.labelling.scheduling import check_reference, known_labels, label
from maxvolt.labelling.store import LabelStore
from maxvolt.labelling.workplace import default_workers

__all__ = [
    "SHORT_NAMES",
    "Collected",
    "LabelLimits",
    "LabelProgress",
    "LabelResult",
    "LabelStore",
    "Quarantined",
    "Reference",
    "WrittenJobs",
    "check_reference",
    "collect_jobs",
    "default_workers",
    "known_labels",
    "label",
    "write_jobs",
]
