from maxvolt.fitting.prediction_errors import compute_errors
from maxvolt.io import read
from maxvolt.potentials import read_potential
from maxvolt.report import format_mlip_errors


def test_error_section_of_an_mlip_training_log_is_reproduced_to_the_last_digit(shared):
    folder = shared / "reference" / "mlip3" / "active_set"
    potential = read_potential(folder / "m3_08_trained.almtp", species=["Mo"])
    dataset = read(folder / "Mo_train100.cfg", species=("Mo",))
    ours = format_mlip_errors(compute_errors(potential, dataset)).splitlines()
    log = (folder / "m3_08.log").read_text().splitlines()
    # The last of several error sections is that of the potential that was saved.
    start = max(number for number, line in enumerate(log) if "Errors report" in line)
    assert len(ours) == 37
    assert ours == log[start : start + len(ours)]
