"""Which of the repository's modules a script imports, followed through the modules that it imports."""

import ast
from pathlib import Path


def imported_files(script: Path, root: Path) -> set[str]:
    """Return the files below `root`, as POSIX paths relative to it, that `script` imports, itself included."""
    found: set[str] = set()
    open_files = [script]
    while open_files:
        file = open_files.pop()
        name = file.relative_to(root).as_posix()
        if name in found:
            continue
        found.add(name)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            modules: list[str] = []
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                modules = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            for module in modules:
                # Importing a.b.c runs a and a.b too.
                pieces = module.split(".")
                for length in range(1, len(pieces) + 1):
                    path = root.joinpath(*pieces[:length])
                    open_files += [f for f in (path / "__init__.py", path.with_suffix(".py")) if f.is_file()]
    return found
