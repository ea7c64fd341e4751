"""Which tables and figures show a section."""

from __future__ import annotations

from dataclasses import dataclass

from performance.results import Section
from performance.sections.parameter_gradients import ENERGY_RATIO, SITE_RATIO
from performance.selection import Lines, picked

__all__ = ["FIGURES", "TABLES", "FigureView", "Panel", "TableView"]


@dataclass(frozen=True, slots=True)
class TableView:
    """A table: one column for each value of `across`.

    Attributes
    ----------
    title : str
    corner : str
        Above the labels of the rows.
    across : str
    lines : tuple of Lines
    """

    title: str
    corner: str
    across: str
    lines: tuple[Lines, ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """Axes of a figure: curves over the value of `across`, or the series of a group.

    Attributes
    ----------
    title, x_label, y_label : str
    across : str
        "" for the series named like the title.
    lines : tuple of Lines
    log_x, log_y : bool
    """

    title: str
    x_label: str
    y_label: str
    across: str = ""
    lines: tuple[Lines, ...] = ()
    log_x: bool = False
    log_y: bool = True


@dataclass(frozen=True, slots=True)
class FigureView:
    """A figure in a file of its own."""

    file: str
    title: str
    panels: tuple[Panel, ...]

    def has(self, section: Section) -> bool:
        """Whether there is anything to draw."""
        findings = section.findings
        return any(
            picked(findings.measurements, lines, panel.across)
            for panel in self.panels
            for lines in panel.lines
        ) or any(s.group == panel.title for s in findings.series for panel in self.panels)


_TIME = "time per atom"
_PER_ATOM = "time per atom (µs)"
_STRUCTURES = {"Mo2000": "bcc, 2000 atoms (Mo2000)", "Al2048": "fcc, 2048 atoms (Al2048)"}
_LEVELS = (8, 16)
_SCALING = {"atoms": "atoms", "species": "species", "neighbours": "neighbours within the cutoff"}
_ELEMENT = "{source}, {set}"

TABLES: dict[str, tuple[TableView, ...]] = {
    "startup": (TableView("Seconds.", "", "command", (Lines("time", "whole process"),)),),
    "peak": (
        TableView(
            "10⁹ multiply-adds a second, one core.",
            "",
            "instruction set",
            (Lines("multiply-adds", "{precision}"),),
        ),
    ),
    "evaluation": tuple(
        TableView(
            f"{title}: microseconds per atom by level, one thread.",
            "",
            "level",
            (
                Lines(_TIME, "{program}", {"structure": name}),
                Lines("motep / maxvolt", "motep / {of}", {"structure": name}),
                Lines(
                    "force error, single precision",
                    "force error in single precision",
                    {"structure": name},
                    ".1e",
                ),
            ),
        )
        for name, title in _STRUCTURES.items()
    ),
    "share": (
        *(
            TableView(
                f"{title} by level.", "instruction set", "level", (Lines(q, "{instruction set}"),)
            )
            for q, title in (
                ("share of peak", "Share of the peak in double precision"),
                (
                    "share of slots",
                    "The same in instructions: lone multiplications and additions count whole",
                ),
                ("rate", "10⁹ floating-point operations a second"),
                (_TIME, "Microseconds per atom"),
                ("cycles per atom", "Cycles per atom (time by the clock that `peak` measures)"),
            )
        ),
        TableView(
            "Floating-point operations per atom by level.",
            "stage",
            "level",
            (
                Lines("operations per atom", "{stage}", digits=",.0f"),
                Lines("neighbours", "neighbours", digits=".1f"),
            ),
        ),
    ),
    "stages": tuple(
        TableView(f"{title} by level.", "", "level", (Lines(quantity, "{" + name + "}"),))
        for quantity, title, name in (
            ("share of time", "Share of the time", "stage"),
            ("share of peak", "Share of the multiply-add peak that the stage reaches", "stage"),
            (_TIME, "Microseconds per atom", "stage"),
            ("length of loop", "Mean lengths of innermost loops of the plan", "loop"),
        )
    ),
    "batch": (
        TableView(
            "Microseconds per atom by level, one thread.",
            "",
            "level",
            (
                Lines(_TIME, "{way}"),
                Lines("one call / kernel", "one call / kernel"),
                Lines("small / large cells, one call", "small / large cells, one call"),
                Lines("neighbours", "neighbours, {cells} cells", digits=".1f"),
            ),
        ),
    ),
    "scaling": tuple(
        TableView(
            f"Level {level}: microseconds per atom against {title}.",
            title,
            key,
            (
                Lines(_TIME, "{program}", {"level": level}),
                Lines("speed-up", "speed-up", {"level": level}),
            ),
        )
        for level in _LEVELS
        for key, title in (*_SCALING.items(), ("threads", "threads"))
    ),
    "training": (
        TableView(
            "Seconds by level.",
            "",
            "level",
            (
                Lines("time", "{program}", {"threads": 1}),
                Lines("time", "{program}, two threads", {"threads": 2}),
                Lines("loss and gradient / evaluation", "loss and gradient / evaluation"),
                Lines("Gauss-Newton pass / evaluation", "Gauss-Newton pass / evaluation"),
                Lines("linear rows / evaluation", "of these, linear rows"),
                Lines("symmetric product / evaluation", "symmetric product of linear rows"),
                Lines("radial rows / evaluation", "radial rows"),
                Lines("motep / maxvolt", "motep / maxvolt, loss and gradient"),
            ),
        ),
    ),
    "curves": (
        TableView(
            "Mo_train100, one thread.",
            "",
            "level",
            (
                Lines(
                    "time to MLIP-3's final loss",
                    "seconds to MLIP-3's final loss",
                    {"data": "Mo_train100"},
                ),
                Lines("time to the end", "seconds to the end", {"data": "Mo_train100"}),
                Lines("final loss", "final loss", {"data": "Mo_train100"}, ".4g"),
                Lines("final loss", "final loss of {program}", {"data": "Mo_train100"}, ".4g"),
            ),
        ),
        TableView(
            "mlearn Mo, level 16, all cores.",
            "",
            "threads",
            (
                Lines(
                    "time to convergence",
                    "seconds to convergence",
                    {"data": "mlearn Mo", "level": 16},
                ),
                Lines("time to the end", "seconds to the end", {"data": "mlearn Mo", "level": 16}),
                Lines("final loss", "final loss", {"data": "mlearn Mo", "level": 16}, ".4g"),
            ),
        ),
    ),
    "gradients": (
        TableView(
            "Microseconds per atom by level, one thread.",
            "",
            "level",
            (
                Lines(_TIME, "{work}"),
                *(Lines(ratio, ratio) for ratio in (SITE_RATIO, ENERGY_RATIO)),
            ),
        ),
    ),
    "dynamics": (
        TableView(
            "Level 8, 2000 atoms: microseconds per atom and step by temperature (K).",
            "",
            "temperature",
            (
                Lines("time per atom and step", "{part}", {"level": 8}),
                Lines("neighbour list / kernel", "neighbour list / kernel", {"level": 8}),
                Lines("neighbour list / all", "neighbour list / all", {"level": 8}),
                Lines("steps per rebuild", "steps per rebuild", {"level": 8}),
            ),
        ),
    ),
    "lammps": (
        TableView(
            "Mo2000 repeated to 16,000 atoms: microseconds per atom and step by level.",
            "",
            "level",
            (
                Lines("pair time per atom and step", "{program}"),
                Lines("maxvolt / kernel", "maxvolt / kernel"),
                Lines("one rank / two ranks", "one rank / two ranks"),
            ),
        ),
        TableView(
            "The same atoms with other potentials: microseconds per atom and step.",
            "",
            "program",
            (Lines("pair time per atom and step", "one rank"),),
        ),
        TableView(
            "Grades: what they add to the pair time, by the number of steps between gradings.",
            "",
            "every",
            (Lines("cost of grades", "level {level}, {mode} mode"),),
        ),
    ),
    "memory": tuple(
        TableView(
            f"{work[0].upper()}{work[1:]}, by atoms.",
            "",
            "atoms",
            (
                Lines(
                    "peak memory",
                    "level {level}, MiB of the process",
                    {"work": work},
                    digits=",.0f",
                ),
                Lines("memory per atom", "level {level}, KiB per atom", {"work": work}),
            ),
        )
        for work in ("evaluation", "fit")
    ),
    "instructions": (
        TableView(
            "Instructions per atom by level.",
            "counted by",
            "level",
            (Lines("instructions per atom", "{counted by}", digits=",.0f"),),
        ),
    ),
    "mlearn": tuple(
        TableView(
            f"{title}.",
            "",
            "element",
            (Lines(quantity, _ELEMENT, digits=digits),),
        )
        for quantity, title, digits in (
            ("energy RMSE", "RMSE of the energy, meV/atom", ".3f"),
            ("force RMSE", "RMSE of a force component, eV/Å", ".4f"),
        )
    ),
}

FIGURES: dict[str, tuple[FigureView, ...]] = {
    "evaluation": (
        FigureView(
            "evaluation.svg",
            "Time of an evaluation by level",
            tuple(
                Panel(
                    title,
                    "level",
                    _PER_ATOM,
                    "level",
                    (Lines(_TIME, "{program}", {"structure": name}),),
                )
                for name, title in _STRUCTURES.items()
            ),
        ),
    ),
    "share": (
        FigureView(
            "share.svg",
            "Share of the multiply-add peak by level",
            (
                Panel(
                    "double precision, one core",
                    "level",
                    "share of the peak",
                    "level",
                    (Lines("share of peak", "{instruction set}"),),
                    log_y=False,
                ),
            ),
        ),
    ),
    "scaling": (
        FigureView(
            "scaling.svg",
            "Time of an evaluation against atoms, species and neighbours",
            tuple(
                Panel(
                    f"level {level}",
                    title,
                    _PER_ATOM,
                    key,
                    (Lines(_TIME, "{program}", {"level": level}),),
                    log_x=key == "atoms",
                )
                for level in _LEVELS
                for key, title in _SCALING.items()
            ),
        ),
    ),
    "training": (
        FigureView(
            "training.svg",
            "Time of one loss and gradient by level",
            (
                Panel(
                    "100 configurations, 5245 atoms, one thread",
                    "level",
                    "time (s)",
                    "level",
                    (Lines("time", "{program}", {"threads": 1}),),
                ),
            ),
        ),
    ),
    "curves": (
        FigureView(
            "curves.svg",
            "Loss against time",
            tuple(
                Panel(group, "time (s)", "loss", log_x=True)
                for group in (
                    "Mo_train100, level 8",
                    "Mo_train100, level 16",
                    "mlearn Mo, level 16",
                )
            ),
        ),
    ),
    "gradients": (
        FigureView(
            "gradients.svg",
            "Rows for selection by level",
            (Panel("one thread", "level", _PER_ATOM, "level", (Lines(_TIME, "{work}"),)),),
        ),
    ),
    "memory": (
        FigureView(
            "memory.svg",
            "Peak memory against atoms",
            (
                Panel(
                    "whole process",
                    "atoms",
                    "peak memory (MiB)",
                    "atoms",
                    (Lines("peak memory", "{work}, level {level}"),),
                    log_x=True,
                ),
            ),
        ),
    ),
}
