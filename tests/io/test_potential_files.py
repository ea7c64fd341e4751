from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from attacks.mutations import limited

from maxvolt.errors import DataError, FileFormatError
from maxvolt.potentials import read_potential
from maxvolt.potentials.mtp.basis.contraction import ContractionTable
from maxvolt.potentials.mtp.basis.plan import evaluation_plan
from maxvolt.potentials.mtp.files.access import read_potential_file, write_potential_file
from maxvolt.potentials.mtp.files.active_set import ActiveSetRecord, Dialect, format_active_set
from maxvolt.potentials.mtp.files.fields import InvalidPotentialError
from maxvolt.potentials.mtp.files.parser import parse_potential
from maxvolt.potentials.mtp.files.record import PotentialFile
from maxvolt.potentials.mtp.files.rules import split_tag
from maxvolt.potentials.mtp.files.writer import format_potential
from maxvolt.potentials.mtp.rescaling import factor_counts

# Level 4, two species, as MLIP writes it.
TEXT = """MTP
version = 1.1.0
potential_name = MTP1m
scaling = 7.000000000000000e-01
species_count = 2
potential_tag = 
radial_basis_type = RBChebyshev
\tmin_dist = 1.900000000000000e+00
\tmax_dist = 5.000000000000000e+00
\tradial_basis_size = 2
\tradial_funcs_count = 1
\tradial_coeffs
\t\t0-0
\t\t\t{1.000000000000000e-02, 5.000000000000000e-02}
\t\t0-1
\t\t\t{2.000000000000000e-02, 8.000000000000000e-02}
\t\t1-0
\t\t\t{3.000000000000000e-02, -2.500000000000000e-02}
\t\t1-1
\t\t\t{-4.000000000000000e-02, 3.750000000000000e-02}
alpha_moments_count = 2
alpha_index_basic_count = 1
alpha_index_basic = {{0, 0, 0, 0}}
alpha_index_times_count = 1
alpha_index_times = {{0, 0, 1, 1}}
alpha_scalar_moments = 2
alpha_moment_mapping = {0, 1}
species_coeffs = {-2.500000000000000e+00, -2.750000000000000e+00}
moment_coeffs = {-1.250000000000000e-02, 7.500000000000000e-03}"""  # noqa: W291


def parse(text: str | bytes) -> PotentialFile:
    return parse_potential(text.encode() if isinstance(text, str) else text, "p.mtp")


def assert_same(first: PotentialFile, second: PotentialFile) -> None:
    for field in dataclasses.fields(PotentialFile):
        a, b = getattr(first, field.name), getattr(second, field.name)
        if isinstance(a, np.ndarray):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b, err_msg=field.name)
        elif isinstance(a, ActiveSetRecord):
            assert format_active_set(a) == format_active_set(b)
        else:
            assert a == b, field.name


def test_every_field_is_read() -> None:
    potential = parse(TEXT)
    assert potential.name == "MTP1m"
    assert potential.tag == ""
    assert potential.scaling == 0.7
    assert potential.radial_basis_type == "RBChebyshev"
    assert (potential.min_dist, potential.max_dist, potential.radial_basis_size) == (1.9, 5.0, 2)
    assert (potential.species_count, potential.species_labels) == (2, (0, 1))
    assert potential.species is None
    assert potential.radial_coeffs is not None
    assert potential.radial_coeffs.shape == (2, 2, 1, 2)
    assert potential.radial_coeffs[1, 0, 0].tolist() == [0.03, -0.025]
    assert potential.radial_funcs_count == 1
    assert potential.alpha_moments_count == 2
    assert potential.alpha_index_basic.tolist() == [[0, 0, 0, 0]]
    assert potential.alpha_index_times.tolist() == [[0, 0, 1, 1]]
    assert potential.alpha_index_times.dtype == np.int32
    assert potential.alpha_moment_mapping.tolist() == [0, 1]
    assert potential.species_coeffs is not None
    assert potential.species_coeffs.tolist() == [-2.5, -2.75]
    assert potential.moment_coeffs is not None
    assert potential.moment_coeffs.tolist() == [-0.0125, 0.0075]
    assert potential.active_set is None
    assert potential.is_trained


def test_written_as_mlip_writes() -> None:
    assert format_potential(parse(TEXT)).decode() == TEXT


def test_arrays_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        parse(TEXT).alpha_index_basic[0, 0] = 1


def test_file_is_replaced_as_a_whole(
    tmp_path: Path, random_record: Callable[..., ActiveSetRecord]
) -> None:
    path = tmp_path / "p.mtp"
    path.write_text("old")
    potential = dataclasses.replace(parse(TEXT), active_set=random_record(12))
    write_potential_file(path, potential)
    assert_same(read_potential_file(path), potential)
    assert list(tmp_path.iterdir()) == [path]


def test_file_is_on_the_disk_before_it_takes_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise an empty potential may stand there after a power cut."""
    synchronised = []
    fsync = os.fsync

    def noting(descriptor: int) -> None:
        synchronised.append(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noting)
    path = tmp_path / "p.mtp"
    write_potential_file(path, parse(TEXT))
    assert synchronised == [path.stat().st_ino, tmp_path.stat().st_ino]


def test_missing_and_unwritable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"none\.mtp: no such file"):
        read_potential_file(tmp_path / "none.mtp")
    with pytest.raises(DataError, match="cannot be written: No such file"):
        write_potential_file(tmp_path / "no" / "p.mtp", parse(TEXT))


def test_numbers_survive_writing() -> None:
    values = [1 / 3, 0.1 + 0.2, 5e-324, 1.7976931348623157e308, -0.0, 2.0**-1074 * 3, 1e22]
    potential = dataclasses.replace(
        parse(TEXT),
        radial_basis_size=7,
        radial_coeffs=np.tile(values, (2, 2, 1, 1)),
        scaling=np.nextafter(0.7, 1.0),
        max_dist=4.999999999999999,
    )
    again = parse(format_potential(potential))
    assert_same(again, potential)
    assert again.radial_coeffs is not None
    assert again.radial_coeffs.tobytes() == np.tile(values, (2, 2, 1, 1)).tobytes()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n", "\r\n"),
        ("potential_name = MTP1m\n", "potential_name =   MTP1m  \n"),
        ("{{0, 0, 1, 1}}", "{ {0,0 ,1,\n 1} }"),
        ("min_dist", "min_val"),
        ("\tmin_dist", "min"),
        ("max_dist", "max_val"),
        ("max_dist", "max"),
        ("radial_basis_size", "basis_size"),
        ("radial_basis_size", "size"),
        ("species_count = 2\n", ""),
        ("scaling = 7.000000000000000e-01\n", "scaling = 0.7\n"),
        ("1.900000000000000e+00", "+1.9"),
        ("5.000000000000000e+00", "5"),
    ],
)
def test_other_spellings_mean_the_same(old: str, new: str) -> None:
    assert old in TEXT
    assert_same(parse(TEXT.replace(old, new)), parse(TEXT))


def test_radial_funcs_count_may_follow_the_coefficients() -> None:
    line = "\tradial_funcs_count = 1\n"
    moved = TEXT.replace(line, "").replace("alpha_moments_count", line + "alpha_moments_count")
    assert_same(parse(moved), parse(TEXT))


def test_scaling_inside_the_radial_block_is_multiplied_in() -> None:
    inside = TEXT.replace("\tmin_dist", "\tscaling = 0.5\n\tmin_dist")
    assert parse(inside).scaling == 0.35
    only = inside.replace("scaling = 7.000000000000000e-01\n", "")
    assert parse(only).scaling == 0.5


def test_missing_optional_parts() -> None:
    lines = [
        line
        for line in TEXT.splitlines(keepends=True)
        if not line.startswith(("potential_", "scaling", "species_co", "moment_coeffs", "\t\t"))
        and line != "\tradial_coeffs\n"
    ]
    potential = parse("".join(lines))
    assert not potential.is_trained
    assert potential.radial_coeffs is None
    assert potential.species_coeffs is None
    assert potential.moment_coeffs is None
    assert potential.species_labels is None
    assert (potential.species_count, potential.scaling, potential.name) == (1, 1.0, "")
    assert_same(parse(format_potential(potential)), potential)


def test_pair_labels_are_species_ids_in_order_of_first_appearance() -> None:
    labelled = TEXT
    for pair, name in (("0-0", "28-28"), ("0-1", "28-13"), ("1-0", "13-28"), ("1-1", "13-13")):
        labelled = labelled.replace(f"\t\t{pair}\n", f"\t\t{name}\n")
    potential = parse(labelled)
    assert potential.species_labels == (28, 13)
    assert potential.radial_coeffs is not None
    assert potential.radial_coeffs[1, 0, 0].tolist() == [0.03, -0.025]
    assert format_potential(potential).decode() == labelled


def test_blocks_in_another_order_are_placed_by_their_labels() -> None:
    start, end = TEXT.index("\t\t0-1"), TEXT.index("alpha_moments")
    blocks = TEXT[start:end].splitlines(keepends=True)
    shuffled = "".join(blocks[2:4] + blocks[4:6] + blocks[0:2])
    assert_same(parse(TEXT[:start] + shuffled + TEXT[end:]), parse(TEXT))


def test_an_active_set_must_fit_the_parameters(
    random_record: Callable[..., ActiveSetRecord],
) -> None:
    with pytest.raises(InvalidPotentialError, match="expected one for each of the 12"):
        dataclasses.replace(parse(TEXT), active_set=random_record(11))
    rest = format_active_set(random_record(11))
    with pytest.raises(FileFormatError, match=r"p\.mtp, byte \d+: active set: "):
        parse(TEXT.encode() + rest)


@pytest.mark.parametrize("rest", [b"\n#MVT", b"\n#MVS_v0.9\n", b"\n^"])
def test_what_is_no_active_set_is_refused(rest: bytes) -> None:
    with pytest.raises(FileFormatError, match=r"p\.mtp"):
        parse(TEXT.encode() + rest)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n  \n"])
def test_blank_lines_at_the_end_are_no_active_set(end: str) -> None:
    assert parse(TEXT + end).active_set is None


@pytest.mark.parametrize(
    ("tag", "text", "symbols"),
    [
        ("", "", None),
        ("species: Ti Al", "", ("Ti", "Al")),
        ("my alloy, 2026 species:  Ti\tAl", "my alloy, 2026", ("Ti", "Al")),
        ("species: Ti Xx", "species: Ti Xx", None),
        ("species: titanium", "species: titanium", None),
        ("species:", "species:", None),
        ("Ti Al", "Ti Al", None),
        ("Schrödinger α", "Schrödinger α", None),
    ],
)
def test_element_symbols_stand_behind_the_tag(
    tag: str, text: str, symbols: tuple[str, ...] | None
) -> None:
    assert split_tag(tag) == (text, symbols)
    potential = parse(TEXT.replace("potential_tag = ", f"potential_tag = {tag}"))
    assert (potential.tag, potential.species) == (text, symbols)
    assert_same(parse(format_potential(potential)), potential)


def test_names_that_are_not_utf8_are_still_readable() -> None:
    potential = parse(TEXT.encode().replace(b"MTP1m", b"M\xf6ller"))
    assert potential.name == "Möller"
    assert_same(parse(format_potential(potential)), potential)


# old text, new text, line, part of the message
DAMAGED = [
    ("MTP\n", "BEGIN_CFG\n", 1, "must be 'MTP'"),
    ("MTP\n", "# UNITS: metal\nMTPX\n", 1, "must be 'MTP'"),
    ("MTP\n", "# X\n# UNITS: real\nMTP\n", 2, "says UNITS: real"),
    ("1.1.0", "1.0.9", 2, "version 1.1.0 is expected, found '1.0.9'"),
    ("scaling = 7.000000000000000e-01", "scaling = nan", 4, "finite number"),
    ("scaling = 7.000000000000000e-01", "scaling = 0.0", 4, "other than 0"),
    ("scaling = 7.000000000000000e-01", "scaling = 1e999", 4, "finite number"),
    ("species_count = 2", "species_count = 3", 12, "one block for each pair of species"),
    ("species_count = 2", "species_count = " + "9" * 5000, 5, "at most nine digits"),
    ("potential_tag = ", "potential_tag = species: Ti", 6, "1 elements are named"),
    ("potential_tag = ", "potential_tag = species: Ti Ti", 6, "different element symbols"),
    ("potential_tag = ", "potential_tag = \x00", 6, "control characters"),
    ("RBChebyshev", "RBBessel", 7, "unknown radial basis 'RBBessel'"),
    ("\tmin_dist", "magnetic_basis_type = BChebyshev\n\tmin_dist", 8, "magnetic potentials"),
    ("\tmin_dist", "\tmin_distance", 8, "unknown key 'min_distance'"),
    ("1.900000000000000e+00", "-1.0", 8, "not negative"),
    ("5.000000000000000e+00", "1.5", 9, "above min_dist"),
    ("5.000000000000000e+00", "1.9000001", 9, "by 0.01 A or more"),
    ("5.000000000000000e+00", "99", 9, "between 0.5 and 30 A"),
    ("5.000000000000000e+00", "1e9", 9, "between 0.5 and 30 A"),
    ("radial_basis_size = 2", "radial_basis_size = 3", 13, "1 rows of 3 numbers"),
    ("radial_funcs_count = 1", "radial_funcs_count = 2", 11, "the tables have 1"),
    ("\t\t0-0\n", "", 12, "label of a pair of species"),
    ("\t\t1-0\n", "\t\t0-1\n", 17, "0-1 occurs here a second time"),
    ("8.000000000000000e-02}", "8.0e-02", 16, "finite numbers in braces"),
    ("3.750000000000000e-02}", "inf}", 20, "finite numbers in braces"),
    ("3.750000000000000e-02}", "1e400}", 20, "too large"),
    ("3.750000000000000e-02}", "1_0}", 20, "finite numbers in braces"),
    ("alpha_moments_count = 2", "alpha_moments_count = 3", 21, "at most one more for each"),
    ("alpha_moments_count = 2", "alpha_moments_count = 0", 21, "expected 1 basic moments"),
    ("basic_count = 1", "basic_count = 2", 22, "the tables have 1"),
    ("{{0, 0, 0, 0}}", "{{0, 0, 0, -1}}", 23, "must not be negative"),
    ("{{0, 0, 0, 0}}", "{{0, 0, 65, 0}}", 23, "rank 65 is above the limit"),
    ("{{0, 0, 0, 0}}", "{{0, 0, 64, 0}}", 23, "have 47905 components, of which 1 are listed"),
    ("{{0, 0, 0, 0}}", "{{0, 0, 0}}", 23, "rows {i, i, i, i}"),
    ("{{0, 0, 0, 0}}", "{{0, 0, 0, 0},}", 23, "rows {i, i, i, i}"),
    ("{{0, 0, 1, 1}}", "{{0, 0, 1, 2}}", 25, "outside 1 to 1"),
    ("{{0, 0, 1, 1}}", "{{0, 0, 1, 0}}", 25, "outside 1 to 1"),
    ("{{0, 0, 1, 1}}", "{{0, 1, 1, 1}}", 25, "uses an incomplete moment"),
    ("{{0, 0, 1, 1}}", "{{0, 2, 1, 1}}", 25, "uses a moment outside 0 to 1"),
    ("{{0, 0, 1, 1}}", "{}", 24, "the tables have 0"),
    ("alpha_scalar_moments = 2", "alpha_scalar_moments = 1", 26, "the tables have 2"),
    ("{0, 1}", "{0, 2}", 27, "outside the moments 0 to 1"),
    ("{0, 1}", "{1, 1}", 27, "named twice"),
    ("{0, 1}", "{0, 1.0}", 27, "list of integers"),
    ("-2.500000000000000e+00, ", "", 28, "expected shape (2,), found (1,)"),
    ("7.500000000000000e-03}", "7.5e-03}\nmoment_coeffs = {1, 2}", 30, "a second time"),
    ("7.500000000000000e-03}", "7.5e-03", 29, "found '7.5e-03'"),
    ("7.500000000000000e-03}", "", 29, "found the end of the file"),
    ("alpha_index_times_count = 1\n", "", 28, "'alpha_index_times_count' is missing"),
    ("min_dist =", "min_dist", 8, "expected '='"),
]


@pytest.mark.parametrize(("old", "new", "line", "message"), DAMAGED)
def test_damage_is_refused_with_its_line(old: str, new: str, line: int, message: str) -> None:
    assert TEXT.count(old) >= 1
    with pytest.raises(FileFormatError) as caught:
        parse(TEXT.replace(old, new, 1))
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"p.mtp, line {line}: ")
    assert caught.value.line == line


def test_products_must_be_complete_before_they_are_used() -> None:
    # Moment 1 is used by the second product and added to once more by the third.
    table = "{{0, 0, 1, 1}, {0, 1, 1, 2}, {0, 0, 1, 1}}"
    text = TEXT.replace("{{0, 0, 1, 1}}", table).replace("times_count = 1", "times_count = 3")
    text = text.replace("moments_count = 2", "moments_count = 3")
    with pytest.raises(FileFormatError, match="product 1 uses an incomplete moment"):
        parse(text)
    assert len(parse(text.replace("{0, 1, 1, 2}, {0, 0, 1, 1}", "{0, 0, 1, 1}, {0, 1, 1, 2}"))
               .alpha_index_times) == 3  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"tag": "species: Ti Al"}, "tag"),
        ({"tag": "two\nlines"}, "tag"),
        ({"name": "\ud800"}, "name"),
        ({"species_labels": (1, 1)}, "species_labels"),
        ({"species": ("Ti",)}, "species"),
        ({"moment_coeffs": np.array([np.nan, 0.0])}, "moment_coeffs"),
        ({"alpha_index_times": np.array([[0.0, 0, 1, 1]])}, "alpha_index_times"),
        ({"alpha_index_times": np.array([[0, 0, 2**31, 1]])}, "alpha_index_times"),
        ({"radial_basis_type": "RBShapeev", "radial_basis_size": 13}, "radial_basis_size"),
        ({"radial_basis_type": "RBShapeev", "min_dist": 0.0}, "min_dist"),
        ({"species_count": 119}, "species_count"),
    ],
)
def test_wrong_contents_name_the_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidPotentialError) as caught:
        dataclasses.replace(parse(TEXT), **changes)
    assert caught.value.field == field


def test_small_file_cannot_ask_for_large_tables() -> None:
    untrained = "".join(
        line
        for line in TEXT.splitlines(keepends=True)
        if not line.startswith(("\t\t", "\tradial_c"))
    )
    untrained = untrained[: untrained.index("species_coeffs")]
    text = untrained.replace("species_count = 2", "species_count = 118")
    text = text.replace("basis_size = 2", "basis_size = 100")
    text = text.replace("funcs_count = 1", "funcs_count = 2").replace(
        "{0, 0, 0, 0}", "{1, 0, 0, 0}"
    )
    with pytest.raises(FileFormatError, match="radial coefficients are asked for"):
        parse(text)


COMMENTS = "# DATE: 2026-01-01 UNITS: metal CONTRIBUTOR: N. N.\n#\n\n  # second\n"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_comments_before_the_first_word_are_skipped(end: str) -> None:
    """As potentials that come with LAMMPS have them; not written, as MLIP reads none."""
    commented = (COMMENTS + TEXT).replace("\n", end)
    assert_same(parse(commented), parse(TEXT))
    assert format_potential(parse(commented)).decode() == TEXT
    with pytest.raises(FileFormatError, match="line 12: unknown key 'min_distance'"):
        parse(commented.replace("\tmin_dist", "\tmin_distance"))


@pytest.mark.parametrize("dialect", ["MLIP-3", "MLIP-2"])
def test_comments_before_an_active_set(
    dialect: Dialect, random_record: Callable[..., ActiveSetRecord]
) -> None:
    potential = dataclasses.replace(parse(TEXT), active_set=random_record(12, dialect))
    data = format_potential(potential)
    assert_same(parse(COMMENTS.encode() + data), potential)
    damaged = COMMENTS.encode() + data.replace(b"\n^", b"\n?").replace(b"\n#MVS", b"\n?MVS")
    with pytest.raises(FileFormatError) as caught:
        parse(damaged)
    assert caught.value.offset == damaged.rindex(b"\n?")


def test_products_of_squares_take_no_memory(tmp_path: Path) -> None:
    """Each product squares the moment before: the last one has 2^40 factors."""
    count = 40
    table = ", ".join(f"{{{i}, {i}, 1, {i + 1}}}" for i in range(count))
    text = TEXT.replace("{{0, 0, 1, 1}}", f"{{{table}}}")
    text = text.replace("times_count = 1", f"times_count = {count}")
    text = text.replace("moments_count = 2", f"moments_count = {count + 1}")
    text = text.replace("{0, 1}", f"{{0, {count}}}")
    path = tmp_path / "squares.mtp"
    path.write_text(text)
    assert path.stat().st_size < 2000
    with limited(seconds=1.0, memory=2**28):
        potential = read_potential(path, species=["Ti", "Al"])
        energy = potential.evaluate(Atoms("TiAl", [[0, 0, 0], [2.2, 0, 0]])).energy
        assert factor_counts(potential.model.table) is None
    assert np.isfinite(energy)


def test_few_moments_of_high_rank_take_little_memory(tmp_path: Path) -> None:
    """One product of four moments of rank 12 falls into 10,000 invariants: it is not planned."""
    basic = [[0, 12, 0, 0], [1, 0, 12, 0], [2, 0, 0, 12], [3, 6, 6, 0]]
    table = ContractionTable(
        np.array(basic), np.array([[0, 1, 1, 4], [2, 3, 1, 5], [4, 5, 1, 6]]), np.array([6]), 7
    )
    with limited(seconds=1.0, memory=2**28):
        assert evaluation_plan(table) is None


def test_long_tables_are_read_or_refused() -> None:
    rows = ", ".join(f"{{0, {k}, 1, {k + 1}}}" for k in range(100_000))
    text = TEXT.replace("{{0, 0, 1, 1}}", "{" + rows + "}")
    text = text.replace("times_count = 1", "times_count = 100000")
    text = text.replace("moments_count = 2", "moments_count = 100001")
    assert len(parse(text).alpha_index_times) == 100_000
    for damaged in (text.replace("99998, 1", "99998, "), "MTP\n" + " " * 10**6 + "=", text + "}"):
        with pytest.raises(FileFormatError):
            parse(damaged)


def test_files_of_mlip(shared: Path) -> None:
    paths = sorted((shared / "reference" / "mlip3").rglob("*mtp"))
    assert len(paths) == 53
    for path in paths:
        data = path.read_bytes()
        potential = read_potential_file(path)
        written = format_potential(potential)
        assert_same(parse(written), potential)
        if path.suffix == ".almtp" and potential.is_trained:
            assert written == data  # active set and all
        assert (potential.active_set is not None) == (
            path.suffix == ".almtp" and potential.is_trained
        )


def test_tables_of_level_28(shared: Path) -> None:
    path = shared / "reference" / "mlip3" / "cases" / "L28_1sp.mtp"
    potential = read_potential_file(path)
    assert potential.alpha_index_times.shape == (180069, 4)
    assert potential.alpha_index_times[-1].tolist()[3] == potential.alpha_moments_count - 1


def test_a_huge_file_is_refused_by_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "pot.mtp"
    path.write_bytes(b"1\n\nAl 0 0 0\n")
    os.truncate(path, 2**36)  # of which the disk holds next to nothing
    with pytest.raises(FileFormatError, match="not a moment tensor potential"):
        read_potential_file(path)
