"""No statement is put together from what somebody sent (control C34).

What is handed to the database is a constant, made when its module is loaded, or a choice among constants. Text
that is put together at work stands in `ALLOWED`, with the reason why nothing foreign gets into it.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
TAKES_SQL = frozenset(
    {"execute", "executemany", "fetch", "fetchrow", "fetchval", "fetchmany", "cursor", "prepare"}
)
# Migrations run before anybody can send anything; server/local starts a developer's own instances.
SOURCES = [
    path
    for folder in ("storage", "server")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if not {"migrations", "local"} & set(path.relative_to(ROOT).parts)
]
_BOARD = "the text depends on which conditions there are; their values are parameters (storage/board/sql.py)"
_PASSED = "a constant, chosen by the caller in the same file"
_SEED = "runs by hand only; its names are those of the schema's own tables and indexes"
ALLOWED: dict[str, str] = {
    "server/doctor.py:_postgres": "names of PostgreSQL's settings, listed in this file",
    "server/ws/transport.py:accept": "a request to upgrade, not a statement",
    "storage/board/store.py:count": _BOARD,
    "storage/board/store.py:fresh": _BOARD,
    "storage/board/store.py:_keys": _BOARD,
    "storage/board/store.py:_nearest": _BOARD,
    "storage/board/facets.py:facets": _BOARD,
    "storage/board/clusters.py:clusters": _BOARD,
    "storage/board/clusters.py:_filtered": _BOARD,
    "storage/candidates.py:eligible": _PASSED,
    "storage/companies.py:_own": _PASSED,
    "storage/documents.py:_found": _PASSED,
    "storage/files.py:sweep": _PASSED,
    "storage/health.py:database": "the constants of QUEUES, one after the other",
    "storage/invitations.py:resolve": "one of three constants, with its argument",
    "storage/orders.py:_by_the_clock": _PASSED,
    "storage/searches.py:_named": _PASSED,
    "storage/partitions.py:ensure": "a day of the calendar",
    "storage/seed.py:_patient": _SEED,
    "storage/seed.py:_remove": _SEED,
    "storage/seed.py:_bare": _SEED,
    "storage/seed.py:_finish": _SEED,
}


@dataclass(frozen=True)
class Handed:
    """One text on its way to the database."""

    place: str  # file:function
    line: int
    text: ast.expr
    function: ast.AST | None


def handed(path: Path, tree: ast.Module) -> Iterator[Handed]:
    """Every first argument of a call that takes SQL."""
    owner: dict[ast.AST, ast.AST] = {}
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for inner in ast.walk(function):
                owner[inner] = function  # the innermost comes last
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
            continue
        if node.func.attr in TAKES_SQL:
            function = owner.get(node)
            where = f"{path.relative_to(ROOT)}:{getattr(function, 'name', '')}"
            yield Handed(where, node.lineno, node.args[0], function)


def settled(text: ast.expr, function: ast.AST | None) -> bool:
    """Whether this is a constant or a choice among constants."""
    match text:
        case ast.Constant():
            return True
        case ast.Name(id=name) if name.isupper() or name.strip("_").isupper():
            return True
        case ast.Attribute(attr=name) if name.isupper():
            return True
        case ast.Subscript(value=ast.Name(id=name)) if name.isupper():
            return True  # a table of constants
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="values")) if name.isupper():
            return True
        case ast.Tuple(elts=each):
            return all(settled(one, function) for one in each)
        case ast.IfExp(body=one, orelse=other):
            return settled(one, function) and settled(other, function)
        case ast.JoinedStr(values=parts):
            return all(
                settled(p.value, function) if isinstance(p, ast.FormattedValue) else True for p in parts
            )
        case ast.Name(id=name) if function is not None:
            given = [value for target, value in bound(function) if name in target]
            return bool(given) and all(settled(each, function) for each in given)
    return False


def bound(function: ast.AST) -> Iterator[tuple[set[str], ast.expr]]:
    """Names that a function binds by `=` or `for`, and to what."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign | ast.For):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)}
            yield names, node.value if isinstance(node, ast.Assign) else node.iter


def found() -> dict[str, list[str]]:
    """What is not settled, by file and function."""
    loose: dict[str, list[str]] = {}
    for path in SOURCES:
        for each in handed(path, ast.parse(path.read_text(encoding="utf-8"))):
            if not settled(each.text, each.function):
                loose.setdefault(each.place, []).append(f"line {each.line}: {ast.unparse(each.text)[:100]}")
    return loose


def test_every_statement_is_a_constant_or_is_allowed_with_a_reason() -> None:
    loose = found()
    new = {place: texts for place, texts in loose.items() if place not in ALLOWED}
    assert not new, f"SQL that is put together at work: {new}"
    assert ALLOWED.keys() <= loose.keys(), f"no longer needed: {ALLOWED.keys() - loose.keys()}"


def test_the_search_for_built_statements_finds_them() -> None:
    function = ast.parse("async def f(c, name):\n    q = 'SELECT ' + name\n    await c.fetch(q)").body[0]
    assert not settled(ast.parse("f'SELECT {name}'", mode="eval").body, function)
    assert not settled(ast.parse("'SELECT %s' % name", mode="eval").body, function)
    assert not settled(ast.parse("'SELECT {}'.format(name)", mode="eval").body, function)
    assert not settled(ast.Name(id="q"), function)
    assert settled(ast.parse("f'SELECT {COLUMNS} FROM users'", mode="eval").body, function)
