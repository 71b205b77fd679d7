"""All that goes to a terminal goes through edge_tagger.terminal, which lets nothing move it."""

import ast
from collections.abc import Iterator
from pathlib import Path

# Programs of their own, on devices and in processes that others read: they cannot import it, or print numbers alone.
ALONE = (
    "edge_tagger.benchmarks.worker",
    "edge_tagger.benchmarks.split_worker",
    "edge_tagger.benchmarks.library.scripts.",
    "edge_tagger.convert.bundle.tag_on_pi",
)
PRINTING = ("print", "click.echo", "click.secho", "click.echo_via_pager", "sys.stdout.write", "sys.stderr.write")


def calls(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func)


def test_one_module_prints(modules: dict[str, Path]) -> None:
    found = [
        f"{module}:{line}: {name}"
        for module, path in modules.items()
        if module != "edge_tagger.terminal" and not f"{module}.".startswith(tuple(ALONE))
        for line, name in calls(path)
        if name in PRINTING
    ]
    assert found == []
