"""Connections go back to their pool as they are (storage.postgres), so nothing may outlive its transaction."""

import ast
import re

from .test_no_built_sql import ROOT, SOURCES

LASTS = re.compile(
    r"^\s*(SET(?!\s+(LOCAL|NULL)\b)|RESET|LISTEN|DECLARE|PREPARE|LOAD|CREATE\s+TEMP)\b"
    r"|\bpg_(try_)?advisory_lock|\bset_config\([^)]*false\)",  # keywords are written large here
)
# By hand, in a process that ends with it.
ALLOWED = {"storage/seed.py:_finish"}


def texts(tree: ast.Module) -> list[tuple[str, str]]:
    """Function and text of every string."""
    owner = {
        inner: function.name
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(function)
    }
    return [
        (owner.get(node, ""), node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def test_no_statement_changes_a_session_beyond_its_transaction() -> None:
    lasting = {
        f"{path.relative_to(ROOT)}:{function}"
        for path in SOURCES
        for function, text in texts(ast.parse(path.read_text(encoding="utf-8")))
        if LASTS.search(text)
    }
    assert lasting == ALLOWED


def test_the_search_knows_what_lasts() -> None:
    for text in ("SET work_mem = 1", "LISTEN board", "SELECT pg_advisory_lock(1)", "CREATE TEMP TABLE t ()"):
        assert LASTS.search(text), text
    for text in ("SET LOCAL work_mem = 1", "UPDATE t SET a = 1", "SELECT pg_advisory_xact_lock(1)"):
        assert not LASTS.search(text), text
