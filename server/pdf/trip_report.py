"""The report of a trip: what was driven, when stops were reached, how long it was waited, what proves the end."""

from math import cos, radians
from pathlib import Path

from server.i18n import say
from server.i18n.form import distance, duration, moment

from .haul_sheet import HaulSheet
from .papers import TripReport
from .sheet import ACCENT, INK, LINE, MARGIN, MUTED, RULE, SMALL, TINT

MAP_H = 62.0  # millimetres
PHOTO = 42.0
SHOWN_HALTS = 40
BARS = (1e6, 5e5, 2e5, 1e5, 5e4, 2e4, 1e4, 5e3, 2e3, 1e3, 500.0, 200.0, 100.0)  # metres


def draw(paper: TripReport) -> bytes:
    """The PDF."""
    sheet = HaulSheet(paper, say(paper.lang, "Trip report"))
    sheet.parties()
    _figures(sheet, paper)
    _map(sheet, paper)
    _stops(sheet, paper)
    _incidents(sheet, paper)
    _halts(sheet, paper)
    sheet.cargo()
    _proof(sheet, paper)
    return bytes(sheet.output())


def _figures(sheet: HaulSheet, paper: TripReport) -> None:
    said, lang = sheet.said, sheet.reads
    end = paper.ended_at if paper.ended_at is not None else paper.made_at
    sheet.section(said("The trip"))
    sheet.facts(
        [
            (said("Load taken on"), sheet.at(paper.started_at)),
            (said("Over on"), sheet.at(paper.ended_at)),
            (said("Took"), duration(lang, end - paper.started_at)),
            (said("Driven"), distance(lang, paper.driven_m)),
            (
                said("Of that empty, to the pickup"),
                "" if paper.empty_m is None else distance(lang, paper.empty_m),
            ),
            (said("Planned with the load"), distance(lang, paper.distance_m)),
            (said("Waiting beyond the free time"), duration(lang, paper.detention_s)),
        ],
        4,
    )


def _map(sheet: HaulSheet, paper: TripReport) -> None:
    """The way driven to scale, north is up, with where the truck stood."""
    if len(paper.line) < 2:
        return
    if sheet.get_y() + MAP_H + 8 > sheet.page_break_trigger:
        sheet.add_page()
    top = sheet.get_y() + 2
    sheet.set_fill_color(*TINT)
    sheet.set_draw_color(*RULE)
    sheet.rect(MARGIN, top, sheet.epw, MAP_H, style="FD")
    lats, lons = [lat for lat, _ in paper.line], [lon for _, lon in paper.line]
    middle = (min(lats) + max(lats)) / 2
    narrow = cos(radians(middle))
    wide, high = max((max(lons) - min(lons)) * narrow, 1e-4), max(max(lats) - min(lats), 1e-4)
    scale = min((sheet.epw - 12) / wide, (MAP_H - 12) / high)
    left = MARGIN + (sheet.epw - wide * scale) / 2
    upper = top + (MAP_H - high * scale) / 2

    def point(lat: float, lon: float) -> tuple[float, float]:
        return left + (lon - min(lons)) * narrow * scale, upper + (max(lats) - lat) * scale

    sheet.set_draw_color(*ACCENT)
    sheet.set_line_width(0.7)
    sheet.polyline([point(lat, lon) for lat, lon in paper.line])
    sheet.set_line_width(0.2)
    sheet.set_draw_color(*MUTED)
    sheet.set_fill_color(255, 255, 255)
    for _, _, lat, lon in paper.halts[:SHOWN_HALTS]:
        sheet.circle(*point(lat, lon), 0.9, style="FD")
    sheet.set_fill_color(*INK)
    for end, name in ((paper.line[0], "A"), (paper.line[-1], "B")):
        x, y = point(*end)
        sheet.circle(x, y, 1.6, style="F")
        sheet.set_font("desk", "B", SMALL)
        sheet.set_text_color(*INK)
        sheet.text(x + 2.2, y + 1.2, name)
    # A bar of a round length, of which there is room for a fifth of the field.
    metres = (sheet.epw / 5) / scale * 111_195
    step = next((size for size in BARS if size <= metres), 0.0)
    if step:
        bar = step / 111_195 * scale
        sheet.line(MARGIN + 4, top + MAP_H - 4, MARGIN + 4 + bar, top + MAP_H - 4)
        sheet.set_text_color(*MUTED)
        sheet.set_xy(MARGIN + 3, top + MAP_H - 9)
        sheet.set_font("desk", "", SMALL)
        sheet.cell(40, LINE, distance(sheet.reads, step))
    sheet.set_y(top + MAP_H + 1)


def _stops(sheet: HaulSheet, paper: TripReport) -> None:
    said, lang = sheet.said, sheet.reads
    sheet.section(said("Stops"))
    lines = [
        [
            f"{number}. {sheet.word('StopKind', stop.kind)}",
            sheet.stop_name(stop),
            sheet.at(stop.arrived_at),
            sheet.at(stop.left_at),
            duration(lang, stop.waited_s) if stop.arrived_at is not None else "—",
            duration(lang, stop.detention_s) if stop.detention_s else "—",
        ]
        for number, stop in enumerate(paper.stops, 1)
    ]
    head = [
        said("Stop"),
        said("Where"),
        said("Arrived"),
        said("Left"),
        said("Waited"),
        said("Beyond free time"),
    ]
    sheet.rows(head, lines, (0.17, 0.27, 0.17, 0.17, 0.11, 0.11))


def _incidents(sheet: HaulSheet, paper: TripReport) -> None:
    if not paper.incidents:
        return
    said = sheet.said
    sheet.section(said("Incidents"))
    lines = [
        [
            sheet.at(each.at),
            sheet.word("IncidentKind", each.kind),
            each.note,
            "—" if each.delay_s is None else duration(sheet.reads, each.delay_s),
        ]
        for each in paper.incidents
    ]
    sheet.rows(
        [said("When"), said("What"), said("In the driver's words"), said("Delay")],
        lines,
        (0.2, 0.22, 0.44, 0.14),
    )


def _halts(sheet: HaulSheet, paper: TripReport) -> None:
    """Where the truck stood on its way; the longest, if there were many."""
    if not paper.halts:
        return
    said = sheet.said
    sheet.section(said("Halts"))
    longest = sorted(paper.halts, key=lambda halt: halt[0] - halt[1])[:SHOWN_HALTS]
    lines = [
        [
            moment(sheet.reads, since, paper.zone),
            moment(sheet.reads, until, paper.zone),
            duration(sheet.reads, until - since),
            f"{lat:.4f}, {lon:.4f}",
        ]
        for since, until, lat, lon in sorted(longest)
    ]
    sheet.rows(
        [said("From"), said("Until"), said("Stood for"), said("Where")], lines, (0.28, 0.28, 0.2, 0.24)
    )


def _proof(sheet: HaulSheet, paper: TripReport) -> None:
    said, signed = sheet.said, paper.signature
    if signed is None and paper.code_at is None and not paper.photos:
        return
    sheet.section(said("Proof of delivery"))
    code = (
        "" if paper.code_at is None else said("Code of the consignee given on {at:moment}", at=paper.code_at)
    )
    name = "" if signed is None else "\n".join(part for part in (signed.name, sheet.at(signed.at)) if part)
    sheet.facts([(said("Received by the consignee"), name), (said("Code"), code)])
    if signed is not None and signed.strokes:
        if sheet.get_y() + 26 > sheet.page_break_trigger:
            sheet.add_page()
        top = sheet.get_y()
        sheet.set_draw_color(*RULE)
        sheet.rect(MARGIN, top, 70, 24)
        sheet.ink(signed.strokes, MARGIN + 3, top + 3, 64, 18)
        sheet.set_y(top + 26)
    _photos(sheet, paper)


def _photos(sheet: HaulSheet, paper: TripReport) -> None:
    """Four side by side, each in its square; a picture that is gone leaves none."""
    shown = [path for path in paper.photos if Path(path).is_file()][:8]
    for start in range(0, len(shown), 4):
        if sheet.get_y() + PHOTO + 2 > sheet.page_break_trigger:
            sheet.add_page()
        top = sheet.get_y()
        for number, path in enumerate(shown[start : start + 4]):
            x = MARGIN + number * (PHOTO + 3)
            sheet.image(path, x, top, PHOTO, PHOTO, keep_aspect_ratio=True)
        sheet.set_y(top + PHOTO + LINE / 2)
