"""Digest of the code that a result was made with, so that results of other code are made again.

Comments, docstrings, imports and the layout of files are left out: moving a module or explaining it changes nothing.
"""

from __future__ import annotations

import ast
import functools
import hashlib
from collections.abc import Iterator
from pathlib import Path

import fetalnet

_ROOT = Path(fetalnet.__file__).parent


@functools.cache
def code_digest(*modules: str) -> str:
    """Return 64 hex digits for these modules, or packages with all they hold, and what they import of ours.

    Args:
        modules: dotted names, such as ``fetalnet.core.planes``.

    Raises:
        ModuleNotFoundError: A name is none of this package's.

    """
    todo = [path for module in modules for path in _files_of(module)]
    known: dict[Path, str] = {}
    while todo:
        path = todo.pop()
        if path in known:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        todo += _imported(tree)
        known[path] = ast.dump(_Bare().visit(tree))
    return hashlib.sha256("\n".join(sorted(known.values())).encode()).hexdigest()


def _files_of(module: str) -> list[Path]:
    path = _path_of(module)
    if path is None:
        raise ModuleNotFoundError(f"{module} is no module of fetalnet")
    return sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else [path]


def _path_of(module: str) -> Path | None:
    first, *names = module.split(".")
    place = _ROOT.joinpath(*names)
    if first != "fetalnet":
        return None
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)


def _imported(tree: ast.Module) -> Iterator[Path]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{each.name}" for each in node.names)]
        else:
            continue
        yield from (path for path in map(_path_of, names) if path is not None)


class _Bare(ast.NodeTransformer):
    """A module's tree without imports and docstrings."""

    def visit_Import(self, _node: ast.Import) -> None:
        return None

    def visit_ImportFrom(self, _node: ast.ImportFrom) -> None:
        return None

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        return None if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str) else node
