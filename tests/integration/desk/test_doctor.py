"""The doctor tells what is wrong, on real stores."""

import json
import time
from pathlib import Path

import pytest

from server import doctor
from server.local import keyring
from storage import partitions
from storage.postgres import Pool

NOWHERE = "127.0.0.1:9"  # discard: nobody listens there


@pytest.fixture
def environ(tmp_path: Path, dsn: str, redis_url: str) -> dict[str, str]:
    """Settings of a healthy installation whose server is not started."""
    web = tmp_path / "dist"
    web.mkdir()
    (web / "index.html").write_text("<!doctype html>")
    secrets = keyring.load(tmp_path)
    return {
        **{name: value for name, value in secrets.items() if name.startswith("DESK_")},
        "DESK_POSTGRES": dsn,
        "DESK_REDIS": redis_url,
        "DESK_WEB_DIST": str(web),
        "DESK_FILES": str(tmp_path / "not" / "yet"),
        "DESK_PORT": "9",
    }


async def states(environ: dict[str, str]) -> dict[str, doctor.Finding]:
    """Findings by part."""
    return {finding.part: finding for finding in await doctor.examine(environ)}


async def test_a_healthy_installation_has_no_failure(environ: dict[str, str], pool: Pool) -> None:
    await partitions.ensure(pool, time.time())
    found = await states(environ)
    assert [f for f in found.values() if f.state == doctor.FAIL] == []
    for part in (
        "PostgreSQL",
        "PostGIS",
        "schema",
        "partitions",
        "Redis",
        "pepper",
        "signing key",
        "web push",
    ):
        assert found[part].state == doctor.OK, found[part]
    assert found["server"].state == doctor.WARN and "./desk up" in found["server"].mend


async def test_uploads_inside_the_web_page_are_a_failure(environ: dict[str, str], tmp_path: Path) -> None:
    assert (await states(environ))["files"].state == doctor.OK
    environ["DESK_FILES"] = str(tmp_path / "dist" / "files")
    assert (await states(environ))["files"].state == doctor.FAIL


async def test_unreachable_stores_are_failures_with_a_way_to_mend(environ: dict[str, str]) -> None:
    environ |= {"DESK_POSTGRES": f"postgresql://x:y@{NOWHERE}/z", "DESK_REDIS": f"redis://{NOWHERE}/0"}
    found = await states(environ)
    for part in ("PostgreSQL", "Redis"):
        assert found[part].state == doctor.FAIL and "./desk up" in found[part].mend


async def test_a_schema_behind_and_missing_partitions_are_named(environ: dict[str, str], pool: Pool) -> None:
    today = partitions.partition_name(partitions.wanted(_today())[partitions.DAYS_BACK])
    await pool.execute(f"DROP TABLE {today}")
    found = await states(environ)
    assert found["partitions"].state == doctor.WARN and today in found["partitions"].found
    await pool.execute("UPDATE alembic_version SET version_num = 'older'")
    schema = (await states(environ))["schema"]
    assert schema.state == doctor.FAIL and schema.mend == "./desk migrate"


async def test_weak_or_wrong_secrets_are_failures(environ: dict[str, str]) -> None:
    environ |= {"DESK_PEPPER": "ab" * 32, "DESK_VAPID_PRIVATE_KEY": "c2hvcnQ"}
    found = await states(environ)
    assert found["pepper"].state == doctor.FAIL
    assert found["web push"].state == doctor.FAIL


async def test_a_public_address_without_websockets_is_a_failure(
    environ: dict[str, str], unused_tcp_port: int
) -> None:
    environ |= {"DESK_PUBLIC_URL": f"http://desk.invalid:{unused_tcp_port}"}
    public = (await states(environ))["public address"]
    assert public.state in (doctor.WARN, doctor.FAIL)


def test_the_report_is_a_table_or_one_json_line_and_its_code_says_the_worst(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert doctor.report({}, as_json=False) == 1
    text = capsys.readouterr().out
    assert "DESK_PEPPER is missing" in text and "-> " in text
    assert doctor.report({}, as_json=True) == 1
    (line,) = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    assert told["state"] == "fail"
    assert {"part", "state", "found", "mend"} == told["findings"][0].keys()


def _today() -> "partitions.date":
    return partitions.datetime.now(partitions.UTC).date()
