"""Where the lab keeps its things."""

from pathlib import Path

from labs.home import LabHome


def test_checkout_around_the_current_folder(tmp_path: Path) -> None:
    """Without settings the lab lies at the root of the checkout, wherever below it one stands."""
    (tmp_path / "pyproject.toml").touch()
    below = tmp_path / "work" / "tp1"
    below.mkdir(parents=True)
    assert LabHome.locate({}, below) == LabHome(tmp_path / ".lab", tmp_path / "work")


def test_no_checkout(tmp_path: Path) -> None:
    """Installed without a checkout, the lab lies where one stands."""
    assert LabHome.locate({}, tmp_path) == LabHome(tmp_path / ".lab", tmp_path / "work")


def test_settings_move_it(tmp_path: Path) -> None:
    """LAB_HOME moves the lab and the work beside it; LAB_WORK moves the work alone."""
    home = str(tmp_path / "h" / "lab")
    assert LabHome.locate({"LAB_HOME": home}).work == tmp_path / "h" / "work"
    moved = LabHome.locate({"LAB_HOME": home, "LAB_WORK": str(tmp_path / "w")})
    assert (moved.state, moved.work) == (tmp_path / "h" / "lab", tmp_path / "w")
