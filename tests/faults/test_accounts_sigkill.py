"""The server is killed while it takes a file in and while it makes an export: nothing half is left in the end."""

import asyncio
import io
import signal
import zipfile
from collections.abc import AsyncIterator

import aiohttp
import asyncpg
import pytest

from tests.papers import jpeg, picture
from tests.served import Server

pytestmark = pytest.mark.faults


async def wait_for(condition: object, seconds: float = 20.0) -> None:
    for _ in range(int(seconds / 0.05)):
        if condition():  # type: ignore[operator]
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come true")


async def test_a_killed_upload_leaves_no_row_and_a_file_that_the_sweep_knows(process: Server) -> None:
    driver = process.accounts["drivers"][0]
    headers = {"Authorization": f"Bearer {driver['access']}"}
    files = process.folder / "files"

    async def slowly() -> AsyncIterator[bytes]:
        yield jpeg(picture(900, 900))[:5000]
        await asyncio.sleep(60)

    async with aiohttp.ClientSession() as http:
        sending = asyncio.create_task(
            http.post(f"{process.url}/api/v1/files", data=slowly(), headers=headers)
        )
        await wait_for(lambda: list(files.rglob("*.in")))
        await process.stop(signal.SIGKILL)
        with pytest.raises(aiohttp.ClientError):
            await sending
        await process.start()
        async with http.post(f"{process.url}/api/v1/files", data=jpeg(), headers=headers) as answer:
            assert answer.status == 201
    left = [path for path in files.rglob("*") if path.is_file()]
    assert sorted(path.parent.name == "tmp" for path in left) == [False, True]
    connection = await asyncpg.connect(process.dsn)
    assert await connection.fetchval("SELECT count(*) FROM files") == 1
    await connection.close()


async def test_a_killed_export_is_made_by_the_next_worker(process: Server) -> None:
    driver = process.accounts["drivers"][0]
    headers = {"Authorization": f"Bearer {driver['access']}"}
    connection = await asyncpg.connect(process.dsn)
    await connection.execute(
        "INSERT INTO positions (device_id, recorded_at, stream_id, seq, driver_id, received_at, point, cell, flag)"
        " SELECT $1, now() - make_interval(secs => n * 0.1), 1, n, $2, now(),"
        " ST_SetSRID(ST_MakePoint(76.9, 43.25), 4326), 0, 0 FROM generate_series(1, 400000) n",
        driver["device"],
        driver["user"],
    )
    async with aiohttp.ClientSession() as http:
        async with http.post(f"{process.url}/api/v1/me/exports", headers=headers) as answer:
            export = (await answer.json())["export"]
        files = process.folder / "files"
        await wait_for(
            lambda: any(
                path.is_file() and path.stat().st_size > 100_000 for path in (files / "tmp").glob("*")
            )
        )
        await process.stop(signal.SIGKILL)
        state, progress = await connection.fetchrow("SELECT state, progress FROM data_exports")
        assert state == "running" and progress < 100
        # A minute, which nobody waits for here.
        await connection.execute("UPDATE data_exports SET lease_until = now()")
        await process.start()
        path = f"{process.url}/api/v1/me/exports/{export}"
        for _ in range(600):
            async with http.get(path, headers=headers) as answer:
                if (await answer.json())["state"] == "ready":
                    break
            await asyncio.sleep(0.1)
        async with http.get(f"{path}/file", headers=headers) as answer:
            content = await answer.read()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert archive.read("positions.csv").count(b"\n") == 400_001
    assert await connection.fetchval("SELECT attempts FROM data_exports") == 2
    await connection.close()
