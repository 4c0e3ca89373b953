"""`python -m server verify-audit`: the whole chain, checked and told on a terminal or as JSON."""

import json
import sys
from dataclasses import asdict

from dispatch.audit import Break, Fault
from server.config import Config
from storage.audit.anchors import FILE, Anchors
from storage.audit.verify import Report, verify
from storage.postgres import Unreachable, connect_pool

WHOLE, BROKEN, UNCHECKED = 0, 1, 69  # EX_UNAVAILABLE
BAR = 40

SAYS = {
    Break.CHANGED: "row {line} (seal {number}) is not what was sealed",
    Break.MISSING: "row {line} (seal {number}) is gone",
    Break.SEAL_MISSING: "seal {number} is gone",
    Break.RESEALED: "row {line} was written anew together with its seal {number}, or something before it was",
    Break.WORDS_GONE: "the reason of row {line} (seal {number}) was taken away, and the account was not erased",
    Break.UNSEALED: "row {line} was put in afterwards: it was never sealed",
    Break.CUT: "the chain was longer once: from seal {number} on everything is gone",
    Break.ANCHOR_FORGED: "a line of the kept heads was not written by this service",
}


async def check(config: Config, *, as_json: bool) -> int:
    """The exit code: 0 whole, 1 broken, 69 not to be checked now."""
    try:
        pool = await connect_pool(config.postgres, name="audit", size=1, statement_timeout_s=600)
    except Unreachable as error:
        print(f"PostgreSQL does not answer: {error}", file=sys.stderr)
        return UNCHECKED
    try:
        kept = Anchors(config.files / FILE, config.pepper).read()
        report = await verify(pool, kept, _bar if sys.stderr.isatty() and not as_json else _silent)
    except Unreachable as error:
        print(f"PostgreSQL does not answer: {error}", file=sys.stderr)
        return UNCHECKED
    finally:
        await pool.close()
    print(_as_json(report) if as_json else _as_text(report))
    return BROKEN if report.broken else WHOLE


def sentence(fault: Fault) -> str:
    """A fault as an operator reads it."""
    return SAYS[fault.kind].format(number=fault.number, line=fault.line)


def _as_text(report: Report) -> str:
    head = report.head
    lines = [
        f"{report.checked} rows checked, {report.anchors} kept heads, {report.waiting} rows wait for their seal",
        f"head: {head.number} {head.hash.hex()}",
    ]
    lines += [f"BROKEN: {sentence(fault)}" for fault in report.faults]
    if report.broken > len(report.faults):
        lines.append(f"... and {report.broken - len(report.faults)} more")
    return "\n".join([*lines, f"{report.broken} breaks" if report.broken else "the chain is whole"])


def _as_json(report: Report) -> str:
    told = asdict(report)
    told["head"] = {"number": report.head.number, "hash": report.head.hash.hex()}
    told["faults"] = [{**fault._asdict(), "says": sentence(fault)} for fault in report.faults]
    return json.dumps(told)


def _bar(done: int, total: int) -> None:
    filled = BAR * done // max(total, 1)
    end = "\n" if done >= total else ""
    print(f"\r[{'#' * filled}{'.' * (BAR - filled)}] {done}/{total}", end=end, file=sys.stderr, flush=True)


def _silent(done: int, total: int) -> None:
    """Nobody watches."""
