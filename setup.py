"""Adds what lies outside the packages to the wheel: resources/ (weights, judges, interval widths, demo) and the licence
texts that the window shows. Everything else about the build stands in pyproject.toml.
"""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

INTO_THE_PACKAGE = ["LICENSE", "NOTICE"]


class BuildWithResources(build_py):
    """Copies resources/ to fetalnet/_resources. An editable install reads resources/ where it is."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            for source, target in self._extra_files().items():
                self.mkpath(str(Path(target).parent))
                self.copy_file(source, target)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        extra = [] if self.editable_mode else list(self._extra_files().values())
        return [*super().get_outputs(include_bytecode), *extra]

    def _extra_files(self) -> dict[str, str]:
        """Source -> place in the build folder."""
        package = Path(self.build_lib) / "fetalnet"
        found = {name: str(package / name) for name in INTO_THE_PACKAGE}
        for path in sorted(Path("resources").rglob("*")):
            if path.is_file():
                found[str(path)] = str(package / "_resources" / path.relative_to("resources"))
        return found


setup(cmdclass={"build_py": BuildWithResources})
