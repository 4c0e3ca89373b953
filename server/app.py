"""The composition root: everything is made here, nested in the order in which it must end."""

import asyncio
import contextlib
import logging
import secrets
import socket
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from aiohttp import web
from redis.asyncio import Redis

from geo.gazetteer import Gazetteer
from geo.roads import RoadGraph
from storage import partitions, postgres, redis
from storage.board.store import connect_board_pool
from storage.postgres import Pool

from . import i18n, publishing, reminding
from .audit.sealing import Sealer
from .background import running
from .broadcasting import Broadcasting
from .config import Config
from .gateways.acquiring.sandbox.acquirer import Sandbox
from .gateways.acquiring.sandbox.pages import add_pages
from .gateways.email import settings as email
from .gateways.email_notices import EmailNotices
from .gateways.fcm import FcmSender
from .gateways.mobizon import Mobizon
from .gateways.otp import LogOtp, OtpSender, SmsChain
from .gateways.push import PushSender
from .gateways.sms import SmsGateway
from .gateways.sms_notices import SmsSender
from .gateways.smsc import Smsc
from .gateways.texting import Texting
from .gateways.webhook import WebhookSender
from .gateways.webpush import WebPushSender
from .hooks import Hooks
from .http.docs import add_docs
from .http.edge import MAX_BODY, add_routes, edge
from .http.health import add_health
from .http.routes import ROUTES
from .http.web import add_web
from .oidc import revoker
from .oidc.apple import Apple
from .oidc.google import Google
from .oidc.provider import Provider
from .oidc.trips import Trips
from .paying.webhook import add_acquirer_hooks
from .services import Services
from .vitals import Vitals
from .ws.endpoint import add_websocket

log = logging.getLogger("desk.app")

HOUSEKEEPING_S = 3600.0
SLICE = 500  # records of payments that are counted anew at once
# A search of the board may name an outline and a road of 4,000 characters each, three bytes a character when
# they are escaped; aiohttp's 8,190 would end it in a bare 400 before any of our answers.
MAX_LINE = 32 * 1024
# Names the database that order events are numbered in: a restored or new one has another.
EPOCH = """
SELECT c.system_identifier::text || '-' || d.oid::text
FROM pg_control_system() AS c, pg_database AS d WHERE d.datname = current_database()
"""


async def serve(
    config: Config, stop: asyncio.Event, *, on_ready: Callable[[Services], object] = lambda services: None
) -> None:
    """Runs one worker until `stop`. Read it inside out: what is opened last ends first."""
    async with contextlib.AsyncExitStack() as stack:
        pool = await _pool(config, stack)
        await partitions.ensure(pool, time.time())
        commands, subscriber = await _redis(config, stack), await _redis(config, stack, retries=0)
        gazetteer = Gazetteer.load()
        i18n.load()
        services = Services(
            config,
            worker=secrets.token_hex(8),
            pool=pool,
            board_pool=await _board_pool(config, stack),
            redis=commands,
            subscriber=subscriber,
            gazetteer=gazetteer,
            roads=RoadGraph.load(gazetteer),
            epoch=await pool.fetchval(EPOCH),
        )
        texting = texting_of(config)
        services.otp_sender = otp_sender(config, texting)
        stack.push_async_callback(services.otp_sender.close)
        services.email_sender = email.sender(config.post)
        stack.push_async_callback(services.email_sender.close)
        if config.post is None and config.public_url.startswith("https:"):
            log.warning("email.only_logged")  # receipts reach nobody
        services.trips = Trips(services.external, providers(config))
        for provider in services.trips.providers.values():
            stack.push_async_callback(provider.close)
        stack.push_async_callback(services.ways.close)
        stack.push_async_callback(services.places.close)
        for acquirer in services.paying.acquirers.values():
            stack.push_async_callback(acquirer.close)
        await services.revocations.warm(time.time())
        await services.sharing.load(time.time())
        await services.live.load_last(pool, time.time())
        services.senders.update(_senders(config, texting, services))
        for sender in set(services.senders.values()):
            stack.push_async_callback(sender.close)
        hook_sender = WebhookSender(allow_private=config.webhook_allow_private)
        stack.push_async_callback(hook_sender.close)
        async with _loops(services, hook_sender):
            runner = web.AppRunner(
                build_app(services),
                access_log=None,
                handler_cancellation=False,
                shutdown_timeout=10.0,
                max_line_size=MAX_LINE,
            )
            await runner.setup()
            try:
                site = web.SockSite(runner, listen(config.host, config.port))
                await site.start()
                services.ready = True
                on_ready(services)
                log.info("serving", extra={"host": config.host, "port": config.port})
                await stop.wait()
                log.info("draining", extra={"sessions": len(services.hub.sessions)})
                services.ready = False  # /readyz first, so that a balancer looks elsewhere
                await services.hub.drain()
            finally:
                await runner.cleanup()
    log.info("stopped")


def build_app(services: Services) -> web.Application:
    """Routes and middlewares; starts nothing."""
    app = web.Application(middlewares=[edge(services)], client_max_size=MAX_BODY)
    app.on_response_prepare.append(_anonymous)
    add_websocket(app, services)
    add_health(app, services)
    add_acquirer_hooks(app, services)
    add_docs(app, assets=services.config.web_dist, contracts=services.config.docs)
    add_routes(app, ROUTES, services)
    if (sandbox := _sandbox(services)) is not None:
        add_pages(app, sandbox)
    add_web(app, services.config.web_dist)
    return app


async def _anonymous(request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = "tracking-desk"  # aiohttp would name its version


def listen(host: str, port: int) -> socket.socket:
    """A listening socket that several workers can share: the kernel spreads new connections."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((host, port))
    listener.listen(4096)  # a reconnect storm queues instead of failing
    listener.setblocking(False)
    return listener


def _loops(services: Services, hook_sender: WebhookSender) -> contextlib.AbstractAsyncContextManager[None]:
    sandbox = _sandbox(services)
    return running(
        **({} if sandbox is None else {"sandbox": sandbox.courier.run()}),
        positions=services.positions.run(),
        ticks=services.run_ticks(),
        upkeep=services.run_upkeep(),
        repair=services.run_repair(),
        board=services.run_board(),
        wheel=services.wheel.run(),
        seek=services.dispatcher.run_seek(),
        expire=services.dispatcher.run_expire(),
        tend=services.poster.run_tend(),
        trips=services.trip_watch.run(),
        subscriptions=services.subscription_clock.run(),
        bonuses=services.bonus_job.run(),
        publish=publishing.run(services.publisher),
        remind=reminding.run(services.reminders, services.notify.tell),
        announce=services.announcing.run(),
        deliver=services.deliveries.run(),
        broadcasting=Broadcasting(services.broadcasts).run(),
        hooks=Hooks(services.webhooks, hook_sender, services.hook_seal).run(),
        revoked=services.revocations.poll(),
        bus_out=services.bus.run_publish(),
        bus_in=services.bus.run_receive(
            services.live.merge, services.notify.heard, services.revocations.heard, services.warm
        ),
        give_back=revoker.run(services.external, services.trips.providers),
        loop_lag=services.metrics.watch_loop(),
        vitals=Vitals(services, services.config.worker).run(),
        keep=_keep(services),
        presence=services.presence.run(services),
        viewing=services.viewing.run(services.hub.maps_of_staff),
        sharing=services.sharing.run(),
        viewers=services.viewers.run(services.hub.watching),
        sealing=Sealer(services.seals, services.anchors).run(),
        exports=services.chores.run_exports(),
        **services.paying.loops(),
        **services.finance.loops(),
        upkeep_of_accounts=services.chores.run_upkeep(),
    )


def _sandbox(services: Services) -> Sandbox | None:
    acquirer = services.paying.acquirers.get("sandbox")
    return acquirer if isinstance(acquirer, Sandbox) else None


async def _keep(services: Services) -> None:
    """Housekeeping of the database: partitions ahead, old sign-ins away."""
    while True:
        await asyncio.sleep(HOUSEKEEPING_S)
        now = time.time()
        try:
            made = await partitions.ensure(services.pool, now)
            if made:
                log.info("partitions.made", extra={"names": made})
            if await partitions.rest_is_used(services.pool):
                log.error("partitions.rest_is_used")
            await services.identity.forget_old(now)
            await services.email_codes.forget_old(now)
            await services.searches.forget_old()
            await services.external.forget_old(now)
            await services.flags.forget_old()
            await services.announcements.forget_old()
            await services.inbox.forget_old()
            await services.ledger.forget_old()
            await services.account_views.forget_old()
            await services.views.forget_old()
            await services.links.forget_old()
            await services.idempotency.forget_old()
            await services.webhooks.forget_old()
            await services.reports.forget_old()
            while await services.payment_records.refresh(SLICE) == SLICE:
                pass
            if (sandbox := _sandbox(services)) is not None:
                await sandbox.queue.forget_old()
            await services.paying.notices.forget_old()
        except postgres.Unreachable as error:
            log.warning("housekeeping.failed", extra={"error": repr(error)})


async def _pool(config: Config, stack: contextlib.AsyncExitStack) -> Pool:
    pool = await postgres.connect_pool(config.postgres, name=f"worker {config.worker}", size=12)
    stack.push_async_callback(_close_pool, pool)
    return pool


async def _board_pool(config: Config, stack: contextlib.AsyncExitStack) -> Pool:
    pool = await connect_board_pool(config.postgres, name=f"board {config.worker}")
    stack.push_async_callback(_close_pool, pool)
    return pool


async def _close_pool(pool: Pool) -> None:
    try:
        async with asyncio.timeout(5.0):
            await pool.close()
    except TimeoutError:
        pool.terminate()


async def _redis(config: Config, stack: contextlib.AsyncExitStack, *, retries: int = 1) -> Redis:
    client = redis.connect(config.redis, retries=retries)
    stack.push_async_callback(client.aclose)
    return client


def texting_of(config: Config) -> Texting | None:
    """The configured SMS gateways in their order; None without any."""
    gateways: list[SmsGateway] = []
    for name, account in config.signing_in.sms.gateways:
        if name == "mobizon":
            gateways.append(Mobizon(account.url, account.secret, account.sender))
        else:
            gateways.append(Smsc(account.url, account.login, account.secret, account.sender))
    return Texting(gateways) if gateways else None


def otp_sender(config: Config, texting: Texting | None) -> OtpSender:
    """What brings codes to phones: the SMS gateways, else the log."""
    if texting is None:
        if config.public_url.startswith("https:"):
            log.warning("otp.codes_in_the_log")  # whoever reads it can sign in as anybody
        return LogOtp()
    return SmsChain(texting, urlsplit(config.public_url).hostname or "localhost")


def providers(config: Config) -> dict[str, Provider]:
    """Google and Apple, as far as they are set up."""
    wanted, found = config.signing_in, dict[str, Provider]()
    back = config.public_url + "/api/v1/auth/{}/callback"
    if wanted.google is not None:
        found["google"] = Google(wanted.google, back.format("google"))
    if wanted.apple is not None:
        found["apple"] = Apple(wanted.apple, back.format("apple"))
    return found


def _senders(config: Config, texting: Texting | None, services: Services) -> dict[str, PushSender]:
    """Push adapters by kind of endpoint; what is not configured is written to the log instead."""
    senders: dict[str, PushSender] = {}
    if config.vapid_private_key:
        senders["webpush"] = WebPushSender(config.vapid_private_key, config.vapid_subject)
    if config.fcm_credentials or config.fcm_url:
        fcm = FcmSender(config.fcm_credentials, url=config.fcm_url)
        senders["fid"] = senders["token"] = fcm
    if texting is not None and config.notice_sms.all_together:
        senders["sms"] = SmsSender(texting, services.ledger, config.notice_sms)
    if config.post is not None:  # else no mail is promised to anybody
        senders["email"] = EmailNotices(services.email_sender, config.public_url)
    return senders
