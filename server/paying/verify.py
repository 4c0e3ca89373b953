"""`python -m server money verify`: the books held against the facts, told on a terminal or as JSON."""

import json
import sys
import time
from dataclasses import asdict

import asyncpg

from server.config import Config
from storage.billing.checks import CheckStore
from storage.billing.verify import Break, Fault, Report, verify
from storage.postgres import Unreachable, connect_pool

WHOLE, BROKEN, UNCHECKED = 0, 1, 69  # EX_UNAVAILABLE

SAYS = {
    Break.SUM: "the books do not come to zero in {what}",
    Break.UNBALANCED: "{what} does not come to zero",
    Break.NOT_WHOLE: "{what} has more or fewer lines than it was made with",
    Break.MISSING: "{what} should be in the books and is not",
    Break.SURPLUS: "{what} is in the books and nothing says so",
    Break.CHANGED: "{what} is in the books with other amounts",
    Break.STATE: "invoice {what}",
    Break.UNGUARDED: "the books are not guarded: {what}",
    Break.ACCESS: "access of user {what}, is not what the entries before it come to",
}


async def check(config: Config, *, as_json: bool) -> int:
    """The exit code: 0 right, 1 wrong, 69 not to be checked now."""
    try:
        pool = await connect_pool(config.postgres, name="money", size=1, statement_timeout_s=600)
    except Unreachable as error:
        print(f"PostgreSQL does not answer: {error}", file=sys.stderr)
        return UNCHECKED
    try:
        began = time.monotonic()
        report = await verify(pool)
        try:
            await CheckStore(pool).keep(time.monotonic() - began, report)
        except asyncpg.ReadOnlySQLTransactionError:  # a standby: the money is as right there
            pass
    except Unreachable as error:
        print(f"PostgreSQL does not answer: {error}", file=sys.stderr)
        return UNCHECKED
    finally:
        await pool.close()
    print(_as_json(report) if as_json else _as_text(report))
    return BROKEN if report.broken else WHOLE


def sentence(fault: Fault) -> str:
    """A fault as an operator reads it."""
    return SAYS[fault.kind].format(what=fault.what)


def _as_text(report: Report) -> str:
    lines = [f"{report.bookings} bookings and {report.invoices} invoices checked"]
    lines += [f"WRONG: {sentence(fault)}" for fault in report.faults]
    if report.broken > len(report.faults):
        lines.append(f"... and {report.broken - len(report.faults)} more")
    return "\n".join([*lines, f"{report.broken} faults" if report.broken else "the money is right"])


def _as_json(report: Report) -> str:
    told = asdict(report)
    told["faults"] = [{**asdict(fault), "says": sentence(fault)} for fault in report.faults]
    return json.dumps(told)
