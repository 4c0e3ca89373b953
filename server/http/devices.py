"""Registering the phones and trackers that positions come from."""

from server.protocol.rest.signin import Device, DeviceForm

from .route import Call, Route


async def register(call: Call[DeviceForm, None]) -> Device:
    """A device of the caller; its secret is shown this once."""
    device, secret = await call.services.identity.register(call.caller.user, call.body.label)
    return Device(device=device, device_secret=secret)


ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/api/v1/devices",
        register,
        "Register a device",
        "devices",
        request=DeviceForm,
        response=Device,
        status=201,
        roles=frozenset({"driver"}),
    ),
)
