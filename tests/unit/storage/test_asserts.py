"""No `assert` carries logic: under `python -O` there are none (control C44)."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PRODUCT = ("geo", "billing", "dispatch", "storage", "server", "clients/python/tracking_desk_client")


def only_for_the_type_checker(test: ast.expr) -> bool:
    """`x is not None` and `isinstance(x, T)` of plain names: they tell mypy, and change nothing."""
    match test:
        case ast.Compare(
            left=ast.Name() | ast.Attribute(), ops=[ast.IsNot()], comparators=[ast.Constant(None)]
        ):
            return True
        case ast.Call(func=ast.Name("isinstance"), args=[ast.Name() | ast.Attribute(), _]):
            return True
        case ast.BoolOp(op=ast.And(), values=parts):
            return all(map(only_for_the_type_checker, parts))
    return False


def test_asserts_of_the_product_only_tell_the_type_checker() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node)}"
        for folder in PRODUCT
        for path in sorted((ROOT / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Assert) and not only_for_the_type_checker(node.test)
    ]
    assert not found, "raise an error instead:\n" + "\n".join(found)
