"""What renders a pack again, and what does not."""

from pathlib import Path

import pytest

from fetalnet.research import code_digest as under_test
from fetalnet.research.code_digest import code_digest


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of two modules, one in a sub-folder that imports another room."""
    monkeypatch.setattr(under_test, "_ROOT", tmp_path)
    (tmp_path / "phantom" / "anatomy").mkdir(parents=True)
    for name in ("phantom/__init__.py", "phantom/anatomy/__init__.py", "growth.py"):
        (tmp_path / name).write_text("")
    (tmp_path / "phantom" / "anatomy" / "head.py").write_text("from fetalnet.growth import SIZE\nWIDTH = SIZE\n")
    (tmp_path / "growth.py").write_text("SIZE = 1\n")
    return tmp_path


def digest(name: str = "fetalnet.phantom") -> str:
    code_digest.cache_clear()
    return code_digest(name)


def test_that_code_in_sub_folders_and_in_other_rooms_counts(package: Path) -> None:
    before = digest()
    (package / "phantom" / "anatomy" / "head.py").write_text("from fetalnet.growth import SIZE\nWIDTH = 2 * SIZE\n")
    changed = digest()
    (package / "growth.py").write_text("SIZE = 2\n")
    assert len({before, changed, digest()}) == 3


def test_that_words_and_layout_do_not_count(package: Path) -> None:
    before = digest()
    (package / "core").mkdir()
    (package / "core" / "__init__.py").write_text("")
    (package / "growth.py").rename(package / "core" / "growth.py")
    (package / "phantom" / "anatomy" / "head.py").rename(package / "phantom" / "skull.py")
    (package / "phantom" / "skull.py").write_text(
        '"""A skull."""\n\nfrom fetalnet.core.growth import SIZE\n\nWIDTH = SIZE  # mm\n"""Outer width."""\n'
    )
    assert digest() == before


def test_that_a_module_that_is_not_there_is_named() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"fetalnet\.nowhere"):
        digest("fetalnet.nowhere")
