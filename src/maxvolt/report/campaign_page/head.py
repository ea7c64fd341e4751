"""The top of the page: what it is, how it ended, what the labels are, the main numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from maxvolt.report.campaign_page.data import CampaignData
from maxvolt.report.campaign_page.markup import Markup, element
from maxvolt.report.campaign_page.wording import counted, duration, number, per_cent

__all__ = ["page_header"]


def page_header(data: CampaignData, sections: Sequence[tuple[str, str]]) -> Markup:
    """Return the header.

    Parameters
    ----------
    data
    sections
        Titles of the sections and their anchors.
    """
    summary = data.summary
    links = [element("li", element("a", title, href=f"#{anchor}")) for title, anchor in sections]
    return element(
        "header",
        element("h1", summary.name),
        element(
            "p",
            element("span", summary.status, class_=f"status {summary.status}"),
            _ending(data),
        ),
        element("p", _history(data), class_="muted"),
        *_warnings(data),
        _numbers(data),
        element("nav", element("ul", *links), aria_label="Sections"),
    )


def _ending(data: CampaignData) -> str:
    summary = data.summary
    current = summary.current
    at = "" if current is None else f"in iteration {current.iteration}, stage {current.stage}"
    return "; ".join(text for text in (summary.reason, at) if text)


def _history(data: CampaignData) -> str:
    spent = sum(sum(one.row["seconds"].values()) for one in data.iterations)
    began, ended = (text[:16].replace("T", " ") for text in (data.began, data.ended))
    return (
        f"Active-learning campaign, {counted(len(data.iterations), 'iteration')}, {began} to "
        f"{ended} UTC; {duration(spent)} of work in all, program started "
        f"{counted(data.summary.runs, 'time')}."
    )


def _warnings(data: CampaignData) -> list[Markup]:
    """Say plainly where labels are no quantum mechanics."""
    if not data.stand_ins:
        return []
    whole = len(data.stand_ins) == len(data.stages)
    kinds = " and ".join(dict.fromkeys(stage.stand_in for stage in data.stand_ins))
    where = "" if whole else f" of stage {', '.join(stage.name for stage in data.stand_ins)}"
    text = (
        f"The reference{where} is {kinds}: a stand-in for a quantum-mechanical code. "
        "Labels and errors show how the method works; they say nothing about the real material."
    )
    return [
        element("p", element("strong", "Stand-in reference. "), text, class_="warning", role="note")
    ]


def _numbers(data: CampaignData) -> Markup:
    rows = [one.row for one in data.iterations]
    last = rows[-1] if rows else None
    pairs = [
        ("reliability, last iteration", per_cent(data.summary.reliability)),
        ("reference calculations", f"{data.n_labels:,}"),
        ("in quarantine", f"{len(data.quarantined):,}"),
    ]
    if last is not None:
        errors = last["validation"] or last["training"] or {}
        of = "validation" if last["validation"] else "training"
        pairs += [
            ("structures in the training set", f"{last['n_training'] or 0:,}"),
            (f"energy RMSE, {of} set, meV/atom", number(errors.get("energy_rmse"), 1000.0)),
            (f"force RMSE, {of} set, meV/Å", number(errors.get("force_rmse"), 1000.0)),
            ("parameters", f"{last['n_parameters'] or 0:,}"),
        ]
        if last.get("largest_rank") is not None:
            rank = f"{last['rank']:,} of {last['largest_rank']:,}"
            pairs.append(("rank of the active set, of the largest possible", rank))
        pairs += _expected(last.get("calibration"))
    cells = [element("div", element("dt", name), element("dd", value)) for name, value in pairs]
    return element("dl", *cells, class_="numbers")


def _expected(calibration: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Force errors that are expected at the thresholds, where these are grades."""
    if calibration is None or not calibration["calibrated"]:
        return []
    return [
        (
            f"force error expected at {row['threshold']}, grade {number(row['grade'])}, eV/Å",
            number(row["expected_eV_per_A"]),
        )
        for row in calibration["thresholds"]
        if row["grade"] is not None
    ]
