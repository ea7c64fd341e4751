"""The page of a campaign: what is in it, and what a browser makes of it."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from campaign_files import Run
from matplotlib.colors import to_rgba

import maxvolt
from browser import Browser, open_browser
from maxvolt.campaign import CampaignSummary
from maxvolt.campaign.record.origins import training_with_iterations
from maxvolt.cli import main
from maxvolt.coverage import available_libraries
from maxvolt.report.campaign_page import (
    CampaignData,
    Iteration,
    campaign_document,
    campaign_page,
    collect_campaign,
    coverage,
    write_campaign_page,
)
from maxvolt.report.campaign_page import Run as ScenarioRun
from maxvolt.report.campaign_page.drawing import WARNING, drawing_style
from maxvolt.report.campaign_page.error_charts import error_curves
from maxvolt.report.campaign_page.parity_charts import parity_charts
from maxvolt.report.campaign_page.physical_checks import physical_checks
from maxvolt.report.campaign_page.reason_chart import reason_chart
from maxvolt.report.campaign_page.stand_ins import describe_stand_in
from maxvolt.report.campaign_page.usage import command_lines, python_lines
from promises import find_chromium, needs

WIDTHS = (1280, 390)
IMAGES = 15 + (4 if available_libraries() else 0)
"""Four are of the map of environments, which an extra draws."""


class Page(HTMLParser):
    """Links, images, identifiers and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, Any]]:
        return [attributes for name, attributes in self.found if name == tag]

    @property
    def ids(self) -> list[str]:
        return [str(given["id"]) for _, given in self.found if "id" in given]


def content_of(link: str) -> bytes:
    head, _, coded = link.partition(",")
    assert head.endswith(";base64")
    return base64.b64decode(coded, validate=True)


@pytest.fixture(scope="module")
def page_file(finished: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "campaign.html"
    return write_campaign_page(finished.folder, path)


@pytest.fixture(scope="module")
def page(page_file: Path) -> Page:
    return Page(page_file.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def data(finished: Run) -> CampaignData:
    return collect_campaign(finished.folder)


def test_downloads_are_the_files(page: Page, finished: Run) -> None:
    links = {one["download"]: one["href"] for one in page.all("a") if one.get("download")}
    assert set(links) == {"potential.almtp", "training.xyz", "campaign.json"}
    folder = finished.result.folder
    for name in ("potential.almtp", "training.xyz"):
        assert content_of(links[name]) == (folder / name).read_bytes()
    numbers = json.loads(content_of(links["campaign.json"]))
    assert numbers["reliability"] == 1
    assert numbers["files"]["training"] == str(folder / "training.xyz")


def test_links_to_places_in_the_page(page: Page) -> None:
    places = [one["href"] for one in page.all("a") if one["href"].startswith("#")]
    assert len(places) >= 5
    assert {place[1:] for place in places} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


def test_large_files_are_linked_to(finished: Run, tmp_path: Path) -> None:
    path = tmp_path / "a folder" / "page.html"
    path.parent.mkdir()
    write_campaign_page(finished.folder, path, inline_limit=100)
    links = [one["href"] for one in Page(path.read_text()).all("a") if "download" not in one]
    files = [link for link in links if not link.startswith("#")]
    assert len(files) == 2
    found = {(path.parent / unquote(link)).resolve() for link in files}
    assert found == {p.resolve() for p in (*finished.result.potential, finished.result.training)}


def test_images_are_inside_and_described(page: Page) -> None:
    images = page.all("img")
    assert len(images) == IMAGES
    for image in images:
        assert content_of(image["src"]).startswith(b"<?xml")
        assert len(image["alt"]) > 40
    places = {
        "reliability",
        "energy-error",
        "force-error",
        "reliability-iterations",
        "grades",
        "reasons",
        "reliability-diagram",
        "coverage",
        "energy-parity",
        "force-parity",
        "labels",
        "time",
        "speed",
    }
    assert places <= set(page.ids)


def test_nothing_comes_from_elsewhere(page: Page) -> None:
    assert not page.all("script")
    for _, given in page.found:
        for name in ("src", "href"):
            assert (given.get(name) or "#").startswith(("#", "data:"))


def test_the_stand_in_is_named(page: Page, data: CampaignData) -> None:
    assert "effective-medium theory (EMT): a stand-in" in page.text
    dft = tuple(
        dataclasses.replace(stage, calculator="gpaw", stand_in=describe_stand_in("gpaw"))
        for stage in data.stages
    )
    text = campaign_page(dataclasses.replace(data, stages=dft), Path("page.html"))
    assert "stand-in for" not in text
    both = (dataclasses.replace(data.stages[0], name="cheap"), *dft)
    text = campaign_page(dataclasses.replace(data, stages=both), Path("page.html"))
    assert "The reference of stage cheap is ASE" in text


def test_numbers_are_those_of_the_campaign(data: CampaignData, finished: Run) -> None:
    rows = data.summary.iterations
    assert [one.training_before for one in data.iterations[1:]] == [
        row["n_training"] for row in rows[:-1]
    ]
    for one in data.iterations:
        if one.reliability is not None:
            done, asked = (
                sum(getattr(run, n) for run in one.runs) for n in ("steps", "total_steps")
            )
            assert one.reliability == done / asked
            assert one.grades.max() == pytest.approx(one.row["max_grade"])
    training = maxvolt.read(finished.result.training)
    potential = maxvolt.read_potential(finished.result.potential[0])
    errors = maxvolt.compute_errors(potential, training).total
    parity = {one.name: one for one in data.parities}
    assert set(parity) >= {"training set", "validation set"}
    document = campaign_document(data)
    found = document["parity"]["training set"]
    assert found["energy_rmse_eV_per_atom"] == pytest.approx(errors.energy_per_atom.rmse, rel=1e-6)
    assert found["force_rmse_eV_per_A"] == pytest.approx(errors.force_components.rmse, rel=1e-6)
    counts = {one["iteration"]: sum(one["counts"]) for one in document["grades"]["iterations"]}
    assert counts == {one.number: len(one.grades) for one in data.iterations if len(one.grades)}
    json.dumps(document, allow_nan=False)


def test_error_curves_pair_errors_with_the_right_training_set(data: CampaignData) -> None:
    curves = {curve.name: curve for curve in error_curves(data, "force_rmse")}
    fitted = [one.row for one in data.iterations if one.is_fitted]
    assert curves["training set"].sizes == tuple(row["n_training"] for row in fitted)
    new = [one for one in data.iterations if one.row["kind"] == "sampling" and one.row["new"]]
    # Predicted by the potential before: its training set did not hold them.
    assert curves["new, before training"].sizes == tuple(
        one.row["n_training"] - one.row["n_labelled"] for one in new
    )


def test_equal_folders_give_equal_pages(page_file: Path, finished: Run) -> None:
    again = write_campaign_page(finished.folder, page_file.with_name("again.html"))
    assert again.read_bytes() == page_file.read_bytes()


def test_the_command(finished: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "page.html"
    assert main(["report", str(finished.result.folder), "-o", str(path), "--json"]) == 0
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert document["page"] == str(path)
    assert path.exists()
    assert document["reference_calculations"] == data_labels(finished)
    assert said.err == f"wrote {path}\n"


def data_labels(finished: Run) -> int:
    return int(finished.folder.iterations()[-1].outcome()["n_labels_total"])


def test_no_campaign_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(tmp_path)]) == 2
    assert "no campaign was started there" in capsys.readouterr().err


# --------------------------------------------------------------------- using and checking it


def test_the_script_of_the_page_runs_with_the_files_of_the_campaign(
    finished: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = finished.result.folder
    for name in ("potential.almtp", "training.xyz"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    structures = maxvolt.read(folder / "training.xyz")
    maxvolt.write(tmp_path / "structure.xyz", structures.select([0]))
    maxvolt.write(tmp_path / "structures.xyz", structures)
    monkeypatch.chdir(tmp_path)
    files = (folder / "potential.almtp",)
    exec(compile(python_lines(files), "script", "exec"), {})
    grade = float(capsys.readouterr().out.splitlines()[-1])
    assert 0 < grade < 2
    lines = command_lines(files, folder / "training.xyz").splitlines()
    assert [line.split()[1] for line in lines] == ["evaluate", "grade", "md", "errors"]
    for line in lines:
        assert main([*line.replace("10000", "5").split()[1:]]) == 0
    assert (tmp_path / "evaluated.xyz").exists()


def test_the_script_for_an_ensemble_runs(
    finished: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = finished.result.folder
    potential = maxvolt.read_potential(folder / "potential.almtp")
    maxvolt.Ensemble((potential, potential)).write(tmp_path / "potential.mtp")
    maxvolt.write(tmp_path / "structure.xyz", maxvolt.read(folder / "training.xyz").select([0]))
    monkeypatch.chdir(tmp_path)
    files = (Path("potential.0.mtp"), Path("potential.1.mtp"))
    exec(compile(python_lines(files), "script", "exec"), {})
    assert float(capsys.readouterr().out.splitlines()[-1]) == 0.0
    assert command_lines(files, None) == (
        "maxvolt evaluate potential.mtp structures.xyz -o evaluated.xyz\n"
    )


def test_the_page_says_how_to_use_the_potential(page: Page) -> None:
    assert 'maxvolt.Calculator("potential.almtp", query="potential.almtp")' in page.text
    assert "maxvolt errors potential.almtp training.xyz" in page.text


def test_physical_checks_are_those_of_potential_and_reference(
    data: CampaignData, finished: Run
) -> None:
    checks = data.checks
    assert checks is not None
    assert checks.left_out == ()
    curve = checks.energy_volume
    assert curve is not None
    atoms = bulk("Al", a=4.05)
    atoms.set_cell(atoms.cell.array * 0.85 ** (1 / 3), scale_atoms=True)
    for values, calculator in (
        (curve.reference, EMT()),
        (curve.potential, maxvolt.Calculator(finished.result.potential[0])),
    ):
        atoms.calc = calculator
        assert values[0] == pytest.approx(atoms.get_potential_energy(), abs=1e-9)
    assert curve.volumes[0] == pytest.approx(0.85 * 4.05**3 / 4)
    assert curve.training is not None
    assert curve.training == pytest.approx([4.05**3 / 4] * 2)
    found = checks.distribution
    assert found is not None
    assert found.temperature == 600
    for values in (found.potential, found.reference):
        width = found.distances[1] - found.distances[0]
        shells = 4 * np.pi * found.distances**2 * width / (4.05**3 / 4)
        first = (values * shells)[found.distances < 3.5].sum()
        assert first == pytest.approx(12, abs=0.5)  # neighbours in fcc
    numbers = campaign_document(data)["physical_checks"]
    assert numbers["energy_volume"]["potential_eV_per_atom"] == curve.potential.tolist()
    assert numbers["radial_distribution"]["temperature_K"] == 600


def test_a_costly_reference_is_never_started(finished: Run, data: CampaignData) -> None:
    folder = finished.folder
    settings = folder.iterations()[-1].settings()
    dft = settings.model_copy(
        update={"reference": settings.reference.model_copy(update={"calculator": "gpaw"})}
    )
    training = maxvolt.read(finished.result.training)
    checks = physical_checks(data.potential, dft, training, folder.path.parent)
    assert checks.energy_volume is not None
    assert checks.energy_volume.reference is None
    assert checks.distribution is not None
    assert checks.distribution.reference is None
    assert checks.left_out == ("gpaw is not started for this page, so its curves are absent",)


def test_a_structure_that_is_not_there_is_told(finished: Run, data: CampaignData) -> None:
    folder = finished.folder
    settings = folder.iterations()[-1].settings()
    section = settings.structures["fcc"].model_copy(update={"crystal": None, "file": "absent.xyz"})
    moved = settings.model_copy(update={"structures": {"fcc": section}})
    training = maxvolt.read(finished.result.training)
    checks = physical_checks(data.potential, moved, training, folder.path.parent)
    assert checks.energy_volume is None
    assert "structure fcc: " in checks.left_out[0]
    assert "absent.xyz" in checks.left_out[0]
    page = campaign_page(dataclasses.replace(data, checks=checks), Path("page.html"))
    assert "absent.xyz" in page


def test_the_map_knows_when_structures_were_added(data: CampaignData, finished: Run) -> None:
    needs("map")
    assert data.coverage is not None
    found = data.coverage.map
    assert found is not None
    training, iterations = training_with_iterations(finished.folder)
    assert training.digests == maxvolt.read(finished.result.training).digests
    assert iterations[0] == 0
    sizes = [int(one.row["n_training"]) for one in data.iterations]
    assert [int((iterations <= one.number).sum()) for one in data.iterations] == sizes
    structures = found.quantities.structures
    np.testing.assert_array_equal(found.values["iteration"], iterations[structures])
    assert campaign_document(data)["coverage"]["map"] == found.to_dict()


def test_the_command_maps_a_campaign(finished: Run, capsys: pytest.CaptureFixture[str]) -> None:
    needs("map")
    folder = finished.result.folder
    words = ["--environments", "80", "--perplexity", "8", "--crystals", "--json"]
    assert main(["map", str(folder / "potential.almtp"), str(folder), *words]) == 0
    document = json.loads(capsys.readouterr().out)
    _, iterations = training_with_iterations(finished.folder)
    assert document["values"]["iteration"] == iterations[document["structures"]].tolist()


def test_the_map_is_in_the_page(page: Page, data: CampaignData) -> None:
    needs("map")
    assert data.coverage is not None
    assert data.coverage.map is not None
    for name in data.coverage.map.values:
        assert f"environments-{name}" in page.ids
    assert "local-environments" in page.ids
    assert f"{len(data.coverage.map.places):,} of the" in page.text


def test_a_page_without_the_extra_says_what_to_install(
    data: CampaignData, finished: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coverage, "available_libraries", lambda: ())
    found = coverage.campaign_coverage(finished.folder, data.potential)
    text = campaign_page(dataclasses.replace(data, coverage=found), Path("page.html"))
    assert "needs openTSNE: pip install 'maxvolt[map]'" in Page(text).text
    assert "environments-energy" not in text


def test_too_few_environments_are_told(
    data: CampaignData, finished: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("map")
    monkeypatch.setattr(coverage, "_ENVIRONMENTS", 20)
    found = coverage.campaign_coverage(finished.folder, data.potential)
    assert found is not None
    assert found.map is None
    assert "too few environments" in found.left_out[0]


def test_breaks_have_the_colour_of_a_warning(data: CampaignData) -> None:
    with drawing_style():
        chart = reason_chart(crowded(data))
    assert chart is not None
    bars = {
        str(bars.get_label()): bars[0].get_facecolor() for bars in chart.figure.axes[0].containers
    }
    assert bars["grade"] == to_rgba(WARNING)
    assert len({*bars.values()}) == len(bars)
    page = Page(campaign_page(crowded(data), Path("page.html")))
    assert any(one.get("class") == "broke" for one in page.all("span"))


def test_parity_has_residuals_in_which_the_training_set_lies_on_top(data: CampaignData) -> None:
    with drawing_style():
        charts = parity_charts(data)
    for chart in charts:
        upper, lower = chart.figure.axes
        assert len(upper.collections) == len(lower.collections) >= 2
        orders = [points.get_zorder() for points in lower.collections]
        assert orders[0] == max(orders)
    pairs = data.parities[0].energies
    below = charts[0].figure.axes[1].collections[0].get_offsets()
    assert np.asarray(below)[:, 1] == pytest.approx(1000 * (pairs[:, 1] - pairs[:, 0]))


# --------------------------------------------------------------------- a crowded page


def crowded(data: CampaignData) -> CampaignData:
    """A long campaign with long and hostile names, quarantine and many scenarios."""
    rng = np.random.default_rng(3)
    base = next(one.row for one in data.iterations if one.row["kind"] == "sampling")
    name = "<script>alert('x')</script> & a_very_long_name_" + 12 * "without_a_break_"
    iterations = []
    for number in range(70):
        stage = "first" if number < 30 else "second, with a name that is far too long to be shown"
        runs = tuple(
            ScenarioRun(
                iteration=number,
                scenario=f"{name if k == 0 else 'scenario'} {k}",
                part=0,
                kind="Relaxation" if k == 1 else "MolecularDynamics",
                reason=("finished", "grade", "too close", "failed")[(number + k) % 4],
                is_break=bool((number + k) % 4),
                message="<b>bold</b> " + 30 * "long ",
                steps=10 * number,
                total_steps=700,
                seconds=None if k == 2 else 3.0,
                max_grade=None if k == 3 else 4.0,
            )
            for k in range(9)
        )
        row = {
            **base,
            "iteration": number,
            "stage": stage,
            "reliability": number / 70,
            "n_training": 10 + number,
            "n_labels_total": 5 * number,
            "warnings": ["the <u>fit</u> ended early"] if number > 1 else [],
            "files": {"potential": number, "training": number},
        }
        grades = 10 ** rng.normal(0.2, 0.4, size=200)
        grades[0] = np.inf
        before = 9 + number if number else None
        iterations.append(Iteration(row, before, 2.0, 10.0, runs, grades))
    summary = dataclasses.replace(
        data.summary,
        name=name,
        status="stopped",
        reason="<i>because</i>",
        iterations=tuple(one.row for one in iterations),
        changes=({"iteration": 3, "key": "selection", "before": "<1>", "after": "2"},),
    )
    return dataclasses.replace(data, summary=summary, iterations=tuple(iterations))


@pytest.fixture(scope="module")
def crowded_file(data: CampaignData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("crowded") / "page.html"
    path.write_text(campaign_page(crowded(data), path), encoding="utf-8")
    return path


def test_names_are_text(crowded_file: Path) -> None:
    page = Page(crowded_file.read_text(encoding="utf-8"))
    assert not page.all("script")
    assert not page.all("b")
    assert not page.all("i")
    assert "<script>alert('x')</script>" in page.text
    assert page.text.count("the <u>fit</u> ended early") == 1
    assert "Warnings of fits" in page.text


def test_iterations_that_know_of_no_warnings(data: CampaignData) -> None:
    """As those of a campaign that an earlier version began."""
    rows = [dataclasses.replace(one, row={**one.row, "warnings": None}) for one in data.iterations]
    page = campaign_page(dataclasses.replace(data, iterations=tuple(rows)), Path("page.html"))
    assert "Warnings of fits" not in page


def test_a_campaign_that_has_just_begun(data: CampaignData) -> None:
    summary: CampaignSummary = dataclasses.replace(data.summary, status="running", iterations=())
    begun = dataclasses.replace(
        data,
        summary=summary,
        iterations=(),
        parities=(),
        potential=(),
        training=None,
        checks=None,
        expected_errors=None,
        coverage=None,
    )
    page = Page(campaign_page(begun, Path("page.html")))
    assert "No iteration is complete yet." in page.text
    assert not page.all("img")
    places = {one["href"][1:] for one in page.all("a")}
    assert places <= set(page.ids)


# --------------------------------------------------------------------- in a browser


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    needs("chromium")
    chromium = find_chromium()
    assert chromium is not None
    with open_browser(chromium, tmp_path_factory.mktemp("profile")) as found:
        yield found


# Light of a colour as WCAG 2 defines it, and the contrast of text against what is behind it.
CONTRASTS = """
(() => {
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const f = c => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b);
  };
  const behind = e => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] === 1) return c;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const e of document.body.querySelectorAll('*')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
    const [a, b] = [parse(getComputedStyle(e).color), behind(e)].map(light).sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) found.push(`${e.tagName} ${e.textContent.slice(0, 40)}: ${ratio}`);
  }
  return found;
})()
"""


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", ["campaign", "crowded"])
def test_in_a_browser(
    browser: Browser, request: pytest.FixtureRequest, tmp_path: Path, kind: str, width: int
) -> None:
    file: Path = request.getfixturevalue("page_file" if kind == "campaign" else "crowded_file")
    browser.open(file, width)
    assert browser.evaluate("innerWidth") == width
    widest = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert browser.evaluate(widest) == 0, "the page scrolls sideways"
    images = browser.evaluate("[...document.images].map(i => [i.naturalWidth, i.width, i.alt])")
    assert len(images) == IMAGES
    for natural, shown, alt in images:
        assert natural > 0, f"broken: {alt}"
        assert 0.8 * 360 < shown < 700, f"too small or too large to be read: {alt}"
    assert browser.evaluate(CONTRASTS) == []
    # A table that is cut says so.
    hints = browser.evaluate(
        "[...document.querySelectorAll('.scroll-hint')].map(h => h.getClientRects().length > 0)"
    )
    assert hints
    assert any(hints) == (width == 390)
    # Every link that stays in the page leads to something that is shown.
    missing = """[...document.querySelectorAll('a[href^="#"]')].map(a => a.hash.slice(1))
        .filter(id => !document.getElementById(id)?.getClientRects().length)"""
    assert browser.evaluate(missing) == []
    assert browser.complaints == []
    assert browser.requests == [file.resolve().as_uri()]
    picture = tmp_path / f"{kind}-{width}.png"
    browser.screenshot(picture)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_browser_finds_faults(browser: Browser, tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<!DOCTYPE html><html><body><p style='width: 2000px; color: #ccc'>wide</p>"
        "<img src='missing.png' alt='none'><script>console.error('oh'); f()</script></body></html>"
    )
    browser.open(bad, 390)
    assert browser.evaluate("document.documentElement.scrollWidth") > 1000
    assert browser.evaluate("[...document.images].map(i => i.naturalWidth)") == [0]
    assert len(browser.evaluate(CONTRASTS)) == 1
    assert any("oh" in text for text in browser.complaints)
    assert any("missing.png" in text for text in browser.requests)
