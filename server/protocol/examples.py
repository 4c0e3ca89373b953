"""An example of every body, so that the reference can be tried out: made from the declared types.

A field's example is the first that its type accepts of: what STRUCTS says for this struct, what FIELDS says for
this name, the field's default, and what its type allows. So a new struct has one by itself; say something here
where the made one would be misleading. A test decodes every example with the type that it stands for.
"""

import re
import types
from collections.abc import Callable
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

# By the names of fields, the same wherever they stand.
FIELDS: dict[str, object] = {
    "access": "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFZERTQSJ9.eyJpc3MiOiJ0cmFja2luZy1kZXNrIn0.c2ln",
    "access_expires_at": 1_796_000_900,
    "accept_id": "6f1b7c9e-2d3a-4b5c-8d7e-9f0a1b2c3d4e",
    "address": "Алматы, пр. Райымбека, 200",
    "at": 1_796_000_000.5,
    "auth": "tBHItJI5svbpez7KI4CCXg",
    "bin": "990340005977",
    "body": "tent",
    "capacity_kg": 22_000,
    "cargo": "яблоки, 900 ящиков",
    "challenge": "Zk3vQ0y8cJ2mN7pR5tX1wB4eH6kL9sD0aF2gU8iO3qY",
    "city": 1526384,
    "code": "418203",
    "comment": "погрузка задняя, позвонить за час",
    "contact_email": "office@example.kz",
    "contact_name": "Асель Нурланова",
    "contact_phone": "+77272500000",
    "country": "KZ",
    "created_at": 1_796_000_000,
    "currency": "KZT",
    "deadhead_m": 4_200,
    "delivery": 90210,
    "device": 31,
    "device_secret": "Zk3vQ0y8cJ2mN7pR5tX1wB4eH6kL9sD0aF2gU8iO3qY",
    "distance_m": 1_216_400,
    "driver": 1042,
    "drop_city": 1526273,
    "duration_s": 61_200,
    "email": "erp@example.kz",
    "expires_at": 1_796_086_400,
    "flow": "w9k2L4j6H8g1F3d5S7a9P0o2I4uYq1vW8yXz0c3B5n7",
    "grade": None,
    "heading": 312,
    "height_m": 2.4,
    "hint": "tdk_Zk3vQ0y8",
    "id_token": "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJzdWIiOiIxMDQyIn0.c2ln",
    "identity": "a9P0o2I4uYq1vW8yXz0c3B5n7w9k2L4j6H8g1F3d5S7",
    "key": 12,
    "kind": "order.assigned",
    "kinds": ["order.assigned", "order.delivered"],
    "label": "GPS",
    "lang": "ru",
    "lat": 43.2389,
    "legal_name": "ТОО «Алма Логистик»",
    "length_m": 13.6,
    "limit": 20,
    "line": [[43.2389, 76.8897], [51.1694, 71.4491]],
    "locale": "ru",
    "lon": 76.8897,
    "name": "Алматы",
    "next": None,
    "nonce": "n7M9k2L4j6H8g1F3d5S7a9P0o2I4uYq1vW8yXz0c3B5",
    "offer": 7781,
    "on_duty": True,
    "order": 4711,
    "origin": "corridors",
    "otpauth": "otpauth://totp/Tracking%20Desk:%2B77011234567?secret=JBSWY3DPEHPK3PXP&issuer=Tracking%20Desk",
    "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    "paid_until": 1_798_592_000,
    "path": None,
    "phone": "+77011234567",
    "pickup_city": 1526384,
    "plan": "driver-month",
    "plate": "123ABC02",
    "program": "Chrome, Android",
    "population": 1_977_011,
    "price": 46_360_000,
    "q": "алма",
    "radius_m": 200_000,
    "rating": 4.8,
    "reason": "груз продан",
    "refresh": "q1vW8yXz0c3B5n7M9k2L4j6H8g1F3d5S7a9P0o2I4uY",
    "region": "Алматы",
    "request": "5f2c9a3b-1d7e-4f60-9a8b-7c6d5e4f3a2b",
    "resend_at": 1_796_000_060,
    "role": "driver",
    "scopes": ["orders:read", "orders:write"],
    "secret": "whsec_q1vW8yXz0c3B5n7M9k2L4j6H8g1F3d5S7a9P0o2I4uY",
    "seq": 3,
    "session": "0d9f4b52-6c1a-4e0e-9a57-2f8f3b1c7d6e",
    "shipper": 2007,
    "speed": 22.2,
    "status": "open",
    "time_zone": "Asia/Almaty",
    "ticket": "w9k2L4j6H8g1F3d5S7a9P0o2I4uYq1vW8yXz0c3B5n7",
    "towns": ["Алматы", "Балхаш", "Караганда", "Астана"],
    "url": "https://erp.example.kz/desk/events",
    "user": 1042,
    "valid_s": 86_400,
    "verifier": "k2L4j6H8g1F3d5S7a9P0o2I4uYq1vW8yXz0c3B5n7M9",
    "volume_m3": 82,
    "wave": 1,
    "webhook": 5,
    "weight_kg": 20_000,
    "width_m": 2.45,
}
# Where a name alone would mislead: fields of one struct. Optional fields of a request that stand here are shown.
STRUCTS: dict[str, dict[str, object]] = {
    "AdvanceForm": {"status": "at_pickup"},
    "CancelForm": {"reason": "груз продан"},
    "DeclineForm": {"reason": "не по пути"},
    "FactorAsked": {"enrol": True, "secret": "JBSWY3DPEHPK3PXP"},
    "FactorSecret": {"secret": "JBSWY3DPEHPK3PXP"},
    "IdentityWaiting": {"provider": "apple", "name": "Айдос Беков", "email": "x7@privaterelay.appleid.com"},
    "LinkedIdentity": {"identity": 17, "provider": "google", "name": "Айдос Беков", "email": "a@example.kz"},
    "OidcStartForm": {"challenge": FIELDS["challenge"]},
    "OidcStarted": {"redirect": "https://accounts.google.com/o/oauth2/v2/auth?client_id=...", "nonce": None},
    "ReasonForm": {"reason": "по просьбе владельца"},
    "RecoveryCodes": {"codes": ["7k2m9-pq4rt", "x3v8w-0h5nd"]},
    "RoleForm": {"role": "admin", "grade": "support", "reason": "работает у нас с декабря"},
    "SessionView": {"method": "otp", "network": "203.0.113.0/24"},
    "SignInMethods": {
        "google": ["1042-web.apps.googleusercontent.com"],
        "apple": ["kz.example.desk.web", "kz.example.desk"],
    },
    "StaffAction": {
        "what": "role.set",
        "before": "driver",
        "after": "admin, support",
        "action": 3,
        "staff": 1,
    },
    "UserView": {"name": "Ерлан С.", "grade": None},
    "UsersQuery": {"q": "ерлан"},
    "DriverView": {"name": "Ерлан С."},
    "Money": {"amount": 46_360_000},
    "OrderEvent": {"kind": "assigned", "status": "assigned"},
    "OrderForm": {"body": "tent", "price": 46_360_000, "valid_s": 86_400},
    "Place": {"city": 1526384, "name": "Алматы"},
    "Profile": {"name": "Ерлан С."},
    "PushKey": {"key": FIELDS["p256dh"]},
    "Problem": {"request": "5f2c9a3b1d7e4f60"},
    "PushEndpointForm": {
        "kind": "webpush",
        "address": "https://fcm.googleapis.com/fcm/send/cV7nQ2x",
        "p256dh": FIELDS["p256dh"],
        "auth": FIELDS["auth"],
        "locale": "kk",
    },
    "TicketForm": {"device": 31, "device_secret": FIELDS["device_secret"]},
    "SettingsView": {"name": "Ерлан С.", "email": "erlan@example.kz"},
    "SettingsPatch": {"name": "Ерлан С.", "locale": "kk"},
    "OwnCompany": {"state": "rejected", "reason": "name_mismatch", "role": "owner"},
    "CompanyPatch": {"address": "Астана, пр. Мангилик Ел, 8", "vat_payer": True},
    "CompanyDecision": {"verified": False, "reason": "name_mismatch"},
    "MemberView": {"name": "Асель Нурланова", "role": "manager"},
    "CompanyInvitationForm": {"joins": "driver"},
    "CompanyInvitation": {"joins": "driver"},
    "TruckForm": {"plate": "123ABC02", "adr": ["3", "8"], "sides": ["rear", "side"]},
    "TruckView": {"trailer_plate": "77AAA02", "adr": ["3"], "sides": ["rear"], "archived_at": None},
    "FleetDriver": {"name": "Ерлан С."},
    "UploadedFile": {"mime": "image/jpeg", "size": 482_114, "pages": None},
    "DocumentForm": {"kind": "insurance", "vehicle": 77, "expires_at": 1_827_622_400},
    "DocumentView": {
        "kind": "insurance",
        "mime": "image/jpeg",
        "size": 482_114,
        "state": "rejected",
        "reason": "unreadable",
    },
    "DocumentReview": {"approved": False, "reason": "unreadable"},
    "ExportView": {"state": "ready", "progress": 100, "size": 3_482_114},
    "ApiKeyForm": {"name": "1С Предприятие"},
    "ApiKeyView": {"name": "1С Предприятие"},
    "ApiKeyMade": {"name": "1С Предприятие", "secret": "tdk_Zk3vQ0y8cJ2mN7pR5tX1wB4eH6kL9sD0aF2gU8iO3qY"},
}


def example(struct: type[Struct], *, request: bool = False) -> Any:
    """A value of this type as JSON. Of a request only what must be there, and what STRUCTS names."""
    hints = get_type_hints(struct, include_extras=True)
    named = STRUCTS.get(struct.__name__, {})
    config = struct.__struct_config__
    fields = msgspec.structs.fields(struct)
    told: dict[str, object] = {}
    if config.tag is not None and config.tag_field is not None:
        told[config.tag_field] = config.tag
    for field in fields:
        if request and not field.required and field.name not in named:
            continue
        told[field.encode_name] = _field(field, hints[field.name], named, request)
    return list(told.values()) if config.array_like else told


def parameter(name: str, hint: Any) -> object:
    """An example of a query parameter; None where nothing particular can be said."""
    return FIELDS[name] if name in FIELDS and _accepts(hint, FIELDS[name], strict=False) else None


def _field(field: msgspec.structs.FieldInfo, hint: Any, named: dict[str, object], request: bool) -> object:
    for place in (named, FIELDS):
        if field.name in place and _accepts(hint, place[field.name]):
            return place[field.name]
    if (
        not field.required
        and field.default not in (msgspec.NODEFAULT, None, "")
        and _accepts(hint, field.default)
    ):
        return field.default
    return of_type(hint, request)


def _accepts(hint: Any, value: object, *, strict: bool = True) -> bool:
    try:
        msgspec.convert(value, hint, strict=strict)
    except (msgspec.ValidationError, TypeError):
        return False
    return True


def of_type(hint: Any, request: bool = False) -> Any:
    """Some value that this type accepts."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        metas = [meta for meta in arguments[1:] if isinstance(meta, Meta)]
        return _within(arguments[0], metas, request)
    if origin in (Union, types.UnionType):
        # The first that is something; structs of a union differ by their tags.
        return of_type(next(part for part in arguments if part is not type(None)), request)
    if origin is Literal:
        return arguments[0]
    if origin in (list, frozenset, set):
        return [of_type(arguments[0], request)]
    if origin is tuple:
        return [of_type(part, request) for part in arguments if part is not Ellipsis]
    if origin is dict:
        return {str(of_type(arguments[0])): of_type(arguments[1], request)}
    if isinstance(hint, type) and issubclass(hint, Struct):
        return example(hint, request=request)
    return _PLAIN.get(hint, lambda: None)()


_PLAIN: dict[Any, Callable[[], object]] = {
    bool: lambda: True,
    int: lambda: 1,
    float: lambda: 1.5,
    str: lambda: "…",
    object: lambda: {},
}


def _within(plain: Any, metas: list[Meta], request: bool) -> object:
    """A value that keeps the bounds."""
    for meta in metas:
        if meta.examples:
            return meta.examples[0]
    bounds = {
        name: getattr(meta, name)
        for meta in metas
        for name in ("ge", "gt", "le", "lt", "min_length", "max_length", "pattern")
        if getattr(meta, name) is not None
    }
    if get_origin(plain) is list:
        one = of_type(get_args(plain)[0], request)
        return [one] * max(1, bounds.get("min_length", 1))
    if plain is str:
        return _text(bounds)
    if plain in (int, float):
        low = bounds.get("ge", bounds.get("gt", 0) + 1 if "gt" in bounds else None)
        high = bounds.get("le", bounds.get("lt"))
        value = low if low is not None else 1
        return min(value, high) if high is not None else value
    return of_type(plain, request)


# By pattern: what is matched by which text. A pattern that none of these matches needs a name in FIELDS.
_TEXTS = (
    "…",
    "6f1b7c9e-2d3a-4b5c-8d7e-9f0a1b2c3d4e",
    "0123456789abcdef",
    "418203",
    "Zk3vQ0y8cJ2mN7pR",
    "K7M2-9QXD",
    "order.assigned",
    "https://example.kz/",
    "+77011234567",
    "KZ",
    "2026-11-25",
    "12:30",
    "a",
    "erp@example.kz",
    "",
)


def _text(bounds: dict[str, Any]) -> str:
    low, high = bounds.get("min_length", 0), bounds.get("max_length", 2**31)
    pattern = re.compile(bounds.get("pattern", ""))
    fitting = (text for text in _TEXTS if low <= len(text) <= high and pattern.search(text))
    return next(fitting, "x" * max(low, 1))
