"""Uploads: what is refused leaves nothing, what is kept is harmless and its owner's (control C40)."""

import asyncio
import hashlib
import io
import os
import stat
import time
from pathlib import Path
from typing import Any

import pytest
from aiohttp import FormData
from PIL import Image

from dispatch.errors import Refusal
from storage import files as storage_files
from storage import sanitise
from storage.files import FileLimits
from tests.integration.accounts.conftest import Answer, Desk, Person, until
from tests.papers import HEIC, HOSTILE, SVG, jpeg, pdf, picture, png, webp


def form(
    content: bytes, name: str = "file", filename: str = "photo.jpg", kind: str = "image/jpeg"
) -> FormData:
    data = FormData()
    data.add_field(name, io.BytesIO(content), filename=filename, content_type=kind)
    return data


async def send_form(person: Person, data: FormData) -> Answer:
    return await person.call("POST", "/files", data=data)


@pytest.mark.parametrize(
    ("content", "mime", "suffix"),
    [
        (jpeg(), "image/jpeg", "jpg"),
        (png(), "image/png", "png"),
        (webp(), "image/webp", "webp"),
        (pdf(3), "application/pdf", "pdf"),
    ],
)
async def test_a_file_is_kept_and_fetched_by_its_owner(
    desk: Desk, content: bytes, mime: str, suffix: str
) -> None:
    made = await desk.driver.upload(content)
    assert made.status == 201, made.content
    assert made.body["mime"] == mime and made.headers["Location"] == f"/api/v1/files/{made.body['file']}"
    got = await desk.driver.get(f"/files/{made.body['file']}")
    assert hashlib.sha256(got.content).hexdigest() == made.body["sha256"]
    assert len(got.content) == made.body["size"]
    assert got.headers["Content-Type"] == mime
    name = f"file-{made.body['file']}.{suffix}"
    assert got.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in got.headers["Content-Security-Policy"] and "no-store" in got.headers["Cache-Control"]
    assert b"SECRET" not in got.content
    if suffix == "pdf":
        assert got.content == content and made.body["pages"] == 3
    (path,) = desk.on_disk()
    # Random, fanned out, for nobody but the server, and nothing of the user's in it.
    assert path.parts[-4] == "objects" and path.name.startswith(path.parts[-3] + path.parts[-2])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_where_a_photo_was_taken_is_not_kept(desk: Desk) -> None:
    made = await desk.driver.upload(jpeg(orientation=6))
    got = await desk.driver.get(f"/files/{made.body['file']}")
    with Image.open(io.BytesIO(got.content)) as image:
        assert not image.getexif() and image.size == (48, 64)


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_file_is_refused_and_nothing_is_left(desk: Desk, name: str) -> None:
    make, code = HOSTILE[name]
    content = make()
    for answer in (
        await desk.driver.upload(content, "image/jpeg"),
        await send_form(desk.driver, form(content)),
    ):
        assert answer.code == code
    assert desk.on_disk() == [] and await desk.rows("files") == []


async def test_a_heic_photo_is_refused_with_a_word_of_help(desk: Desk) -> None:
    assert "JPEG" in (await desk.driver.upload(HEIC)).body["detail"]


@pytest.mark.parametrize(
    "filename",
    [
        "../../../etc/passwd",
        "/etc/cron.d/evil",
        "..\\..\\evil.exe",
        "a\x00.php",
        "photo.php.jpg",
        "%2e%2e%2fevil",
        "a" * 5000,
        "",
        '"; filename=evil',
    ],
)
async def test_what_a_client_calls_its_file_names_nothing(desk: Desk, filename: str) -> None:
    head = f'--x\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n\r\n'
    answer = await desk.driver.call(
        "POST",
        "/files",
        data=head.encode() + jpeg() + b"\r\n--x--\r\n",
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )
    assert answer.status == 201 or (answer.code == "bad_request" and desk.on_disk() == [])
    for path in desk.on_disk():
        assert storage_files.NAME.fullmatch(path.name) and path.is_relative_to(desk.files)


async def test_another_users_id_as_a_name_reaches_nothing_of_theirs(desk: Desk) -> None:
    mine = (await desk.driver.upload(jpeg())).body["file"]
    (path,) = desk.on_disk()
    before = path.read_bytes()
    data = form(png(), filename=path.name)
    assert (await send_form(desk.drivers[1], data)).status == 201
    assert path.read_bytes() == before
    for who in (desk.drivers[1], desk.shipper, desk.logistician):
        for file in (mine, 10**9, path.name, "../1"):
            assert (await who.get(f"/files/{file}")).code == "not_found"
        assert (await who.delete(f"/files/{mine}")).code == "not_found"
    assert (await desk.driver.get(f"/files/{mine}")).status == 200


async def test_the_declared_type_counts_for_nothing(desk: Desk) -> None:
    for kind in ("text/html", "application/x-php", "image/svg+xml", "application/json", "x"):
        made = await desk.driver.upload(png(), kind)
        assert made.status == 201 and made.body["mime"] == "image/png"
    assert (await desk.driver.upload(SVG, "image/png")).code == "file_type"


async def test_a_file_that_is_too_large_is_refused_however_it_comes(desk: Desk) -> None:
    large = jpeg() + bytes(10_000_000)
    assert (await desk.driver.upload(large + bytes(100_000))).code == "file_too_large"  # by its header

    async def chunks() -> Any:
        for start in range(0, len(large), 100_000):
            yield large[start : start + 100_000]

    told = await desk.driver.call("POST", "/files", data=chunks())  # without a length
    assert told.code == "file_too_large"
    assert (await send_form(desk.driver, form(large))).code == "file_too_large"
    assert desk.on_disk() == [] and await desk.rows("files") == []


async def test_only_uploads_may_be_larger_than_a_message(desk: Desk) -> None:
    body = {"legal_name": "x" * 70_000, "bin": "990340005977"}
    assert (await desk.shipper.post("/company", body)).code == "too_large"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"--x\r\nno headers\r\n--x--\r\n", "multipart/form-data; boundary=x"),
        (b"nothing of the kind", "multipart/form-data; boundary=x"),
        (b"--x--\r\n", "multipart/form-data; boundary=x"),
        (b"", "multipart/form-data"),
        (b"--x\r\n", f"multipart/form-data; boundary={'x' * 200}"),
    ],
)
async def test_a_form_that_is_none_is_a_bad_request(desk: Desk, content: bytes, kind: str) -> None:
    answer = await desk.driver.call("POST", "/files", data=content, headers={"Content-Type": kind})
    assert answer.code in ("bad_request", "file_broken")
    assert desk.on_disk() == []


async def test_a_form_has_one_file_and_it_is_called_so(desk: Desk) -> None:
    two = form(jpeg())
    two.add_field("file", jpeg(), filename="b.jpg", content_type="image/jpeg")
    for data in (two, form(jpeg(), name="photo")):
        assert (await send_form(desk.driver, data)).code == "bad_request"
    assert desk.on_disk() == [] and await desk.rows("files") == []


async def test_a_sender_that_goes_away_leaves_nothing(desk: Desk) -> None:
    async def half() -> Any:
        yield jpeg()[:600]
        await asyncio.sleep(30)

    task = asyncio.create_task(desk.driver.call("POST", "/files", data=half()))
    await until(desk.on_disk)
    task.cancel()
    await until(lambda: not desk.on_disk())
    assert await desk.rows("files") == []


async def test_a_full_store_takes_no_more(desk: Desk) -> None:
    desk.services.files.limits = FileLimits(bytes_a_user=2_500, files_a_user=2)
    assert (await desk.driver.upload(jpeg())).status == 201
    large = await desk.driver.upload(jpeg(picture(900, 900)))
    assert large.code == "quota_exceeded"
    assert len(desk.on_disk()) == 1
    file = (await desk.rows("files"))[0][0]
    desk.services.files.limits = FileLimits(files_a_user=1)
    assert (await desk.driver.upload(jpeg())).code == "quota_exceeded"
    assert (await desk.drivers[1].upload(jpeg())).status == 201  # one's own store, not everybody's
    assert (await desk.driver.delete(f"/files/{file}")).status == 204
    assert (await desk.driver.upload(jpeg())).status == 201


async def test_uploads_at_once_cannot_share_the_last_place(desk: Desk) -> None:
    desk.services.files.limits = FileLimits(files_a_user=2)
    answers = await asyncio.gather(*(desk.driver.upload(jpeg()) for _ in range(6)))
    assert sorted(answer.status for answer in answers) == [201, 201, 409, 409, 409, 409]
    assert len(desk.on_disk()) == 2 == len(await desk.rows("files"))


async def test_a_repeated_upload_with_its_key_is_one_file(desk: Desk) -> None:
    sent = {"Idempotency-Key": "photo-1", "Content-Type": "image/jpeg"}
    answers = [await desk.driver.call("POST", "/files", data=jpeg(), headers=sent) for _ in range(2)]
    assert answers[0].body == answers[1].body
    assert len(desk.on_disk()) == 1 == len(await desk.rows("files"))
    # A refusal frees the key.
    sent = {"Idempotency-Key": "photo-2", "Content-Type": "image/jpeg"}
    assert (await desk.driver.call("POST", "/files", data=SVG, headers=sent)).code == "file_type"
    assert (await desk.driver.call("POST", "/files", data=jpeg(), headers=sent)).status == 201


async def test_while_a_body_comes_in_no_transaction_is_open(desk: Desk) -> None:
    go_on = asyncio.Event()

    async def slowly() -> Any:
        yield jpeg()[:600]
        await go_on.wait()
        yield jpeg()[600:]

    sent = {"Idempotency-Key": "slow", "Content-Type": "image/jpeg"}
    task = asyncio.create_task(desk.driver.call("POST", "/files", data=slowly(), headers=sent))
    await until(desk.on_disk)
    idle = await desk.pool.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND state LIKE 'idle in transaction%'"
    )
    assert idle == 0
    go_on.set()
    assert (await task).status == 201


async def test_a_decoder_that_dies_or_hangs_costs_one_refusal(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "sanitise.py"
    monkeypatch.setattr(sanitise, "__file__", str(program))
    program.write_text("import os; os.kill(os.getpid(), 11)")
    assert (await desk.driver.upload(jpeg())).code == "file_broken"
    monkeypatch.setattr(storage_files, "LOOK_S", 0.3)
    program.write_text("import time; time.sleep(60)")
    assert (await desk.driver.upload(jpeg())).code == "file_broken"
    assert desk.on_disk() == [] and await desk.rows("files") == []


async def test_the_decoder_has_no_secrets_and_little_memory(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DESK_PEPPER", "a secret of the server")
    program, told = tmp_path / "sanitise.py", tmp_path / "told"
    program.write_text(f"import os; open({str(told)!r}, 'w').write(repr(dict(os.environ)))")
    monkeypatch.setattr(sanitise, "__file__", str(program))
    await desk.driver.upload(jpeg())
    assert "secret" not in told.read_text() and "DESK" not in told.read_text()


async def test_no_crash_leaves_a_row_without_its_file(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The row is last: what a crash leaves is a file, and the sweep takes it once it is old."""
    store, limits = desk.services.files, desk.services.files.limits
    honest = await desk.driver.upload(jpeg())

    async def dies(*_: object) -> None:
        raise RuntimeError("killed")

    monkeypatch.setattr(store, "_admit", dies)
    async with asyncio.timeout(5):
        incoming = storage_files.Incoming(store.temporary("0" * 32 + ".in"), limits.bytes_a_file)
        await incoming.write(jpeg())
        with pytest.raises(RuntimeError):
            await store.keep(desk.driver.id, incoming)
    assert len(await desk.rows("files")) == 1
    orphans = [path for path in desk.on_disk() if path.name != _name_of(desk)]
    assert len(orphans) == 2  # what came, and its copy
    everything = range(storage_files.SLICES)
    assert await store.sweep(everything) == 0  # too young: its row may be on the way
    old = time.time() - 2 * storage_files.ORPHAN_S
    for path in desk.on_disk():
        os.utime(path, (old, old))
    assert await store.sweep(everything) == 2
    assert [path.name for path in desk.on_disk()] == [_name_of(desk)]
    assert (await desk.driver.get(f"/files/{honest.body['file']}")).status == 200


def _name_of(desk: Desk) -> str:
    (path,) = [path for path in desk.on_disk() if path.parts[-4] == "objects"][:1]
    return path.name


async def test_an_upload_that_nothing_holds_is_gone_after_a_day(desk: Desk) -> None:
    made = (await desk.driver.upload(jpeg())).body["file"]
    held = (await desk.driver.upload(jpeg())).body["file"]
    await desk.driver.post("/documents", {"file": held, "kind": "driver_licence"})
    assert await desk.services.files.drop_unheld() == 0
    await desk.pool.execute("UPDATE files SET created_at = now() - interval '25 hours'")
    assert await desk.services.files.drop_unheld() == 1
    assert (await desk.driver.get(f"/files/{made}")).code == "not_found"
    assert (await desk.driver.get(f"/files/{held}")).status == 200
    assert len(desk.on_disk()) == 1


async def test_a_row_whose_file_is_missing_is_an_alarm_and_no_fault(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    made = (await desk.driver.upload(jpeg())).body["file"]
    desk.on_disk()[0].unlink()
    assert (await desk.driver.get(f"/files/{made}")).code == "not_found"
    assert "files.missing" in caplog.messages


async def test_a_worker_takes_in_only_so_many_at_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage_files, "WAITING", 0)
    assert (await desk.driver.upload(jpeg())).code == "rate_limited"


@pytest.mark.parametrize(
    "name", ["", "../x", "/etc/passwd", "a" * 31, "A" * 32, "a" * 33, "a\x00" + "b" * 30]
)
async def test_no_name_but_ours_becomes_a_path(desk: Desk, name: str) -> None:
    with pytest.raises(ValueError):
        desk.services.files.path(name)


async def test_a_file_is_held_by_one_thing(desk: Desk) -> None:
    made = (await desk.driver.upload(jpeg())).body["file"]
    assert (await desk.driver.post("/documents", {"file": made, "kind": "medical"})).status == 201
    assert (await desk.driver.post("/documents", {"file": made, "kind": "medical"})).code == "file_held"
    assert (await desk.driver.delete(f"/files/{made}")).code == "file_held"
    async with desk.pool.acquire() as connection:
        for owner, code in ((desk.driver.id, "file_held"), (desk.shipper.id, "not_found")):
            with pytest.raises(Refusal, match=code):
                await storage_files.hold(connection, owner, made, "order")
