"""What handlers, sessions and loops share: one object a worker, made by app.py and nowhere else."""

import asyncio
import logging
import math
import random
import time
from typing import TYPE_CHECKING

from redis.asyncio import Redis

from dispatch.model import Actor, Party, Policy
from dispatch.moderation import Moderation
from dispatch.posting import Poster
from dispatch.pricing import Tariff
from dispatch.service import Dispatcher
from geo.crossings import Crossings
from geo.gazetteer import Gazetteer
from geo.regions import Regions, around
from geo.roads import RoadGraph
from server.protocol.messages import OfferMade
from server.views import offer_card
from storage.accounts import AccountStore
from storage.api_keys import PREFIX as KEY_PREFIX
from storage.api_keys import ApiKeyStore
from storage.attachments import AttachmentStore
from storage.audit.account_views import AccountViews
from storage.audit.anchors import FILE as HEADS
from storage.audit.anchors import Anchors
from storage.audit.reading import AuditLog
from storage.audit.seals import SealStore
from storage.bids import BidStore
from storage.billing.access import AccessLedger
from storage.billing.bonuses import BonusStore
from storage.billing.plans import PlanStore
from storage.billing.subscriptions import SubscriptionStore
from storage.blocks import BlockStore
from storage.board.store import BoardStore
from storage.board.upkeep import BoardUpkeep
from storage.bus import Bus
from storage.cabinet.store import CabinetStore
from storage.cache import TimedCache
from storage.chat.store import ChatStore
from storage.companies import CompanyStore
from storage.content.announcements import AnnouncementStore
from storage.content.broadcasts import BroadcastStore
from storage.content.pages import PageStore
from storage.content.whereabouts import Trace, Whereabouts
from storage.content.words import WordStore
from storage.disputes.judging import DisputeJudges
from storage.disputes.store import DisputeStore
from storage.documents import DocumentStore
from storage.drafts import DraftStore
from storage.drivers import DriverStore
from storage.editing import EditStore
from storage.email_codes import EmailCodes
from storage.erasure import ErasureStore
from storage.explaining import ExplainingStore
from storage.exports import ExportStore
from storage.files import FileStore
from storage.fleet import FleetStore
from storage.fuel_prices import FuelPriceStore
from storage.habits import FlagStore
from storage.idempotency import IdempotencyStore
from storage.identity import IdentityStore
from storage.invitations import InvitationStore
from storage.lanes import LaneStore
from storage.live import LiveIndex
from storage.members import MemberStore
from storage.moderation import CaseStore
from storage.notices.announcing import NewsStore
from storage.notices.inbox import InboxStore
from storage.notices.ledger import Ledger
from storage.notices.preferences import PreferenceStore
from storage.oidc import OidcStore
from storage.orders import OrderStore
from storage.outbox import Outbox
from storage.positions import PositionLog
from storage.postgres import Pool, after_commit
from storage.proof import IncidentStore, ProofStore
from storage.redis import Keys
from storage.referrals.codes import ReferralStore
from storage.referrals.invitees import InviteeStore
from storage.referrals.judging import ReferralJudges
from storage.referrals.terms import LoyaltyTermsStore
from storage.reloads import ReloadStore
from storage.remittance.record import PaymentRecords
from storage.remittance.store import Reminders, RemittanceStore
from storage.reports.store import ReportStore
from storage.reviews.moderation import ReviewModeration
from storage.reviews.reputation import ReputationStore
from storage.reviews.showing import Publisher
from storage.reviews.store import ReviewStore
from storage.saved_places import SavedPlaceStore
from storage.seal import Seal
from storage.searches import SearchStore
from storage.sharing.links import LinkStore
from storage.sharing.pauses import PauseStore
from storage.sharing.settings import SharingStore
from storage.sharing.views import ViewStore
from storage.staff import StaffStore
from storage.tariffs.store import TariffStore
from storage.templates import TemplateStore
from storage.trips.following import TripFollower
from storage.trips.paperwork import PaperReads
from storage.trips.reads import TripReads
from storage.trips.settling import TripSettler
from storage.vehicles import VehicleStore
from storage.webhooks import WebhookStore

from .audit.as_user import AsUser
from .audit.viewing import Viewing
from .auth import ApiKeyProof, Principal, Tokens
from .board_search import BoardSearches
from .calculator import Calculator
from .chores import LEDGER, Chores
from .config import Config
from .deliver import Deliveries
from .errors import UNREACHABLE
from .finance import Finance
from .fleets import Fleets
from .gateways import build
from .gateways.acquiring.build import acquirers
from .gateways.email.mail import EmailSender, LogEmail
from .gateways.meters import VendorMeters
from .gateways.otp import LogOtp, OtpSender
from .gateways.push import PushSender
from .habits import ReadHabits, ReadLimits
from .held import Held
from .http.once import Once
from .http.origins import Origins
from .limits import Limits
from .metrics import Counts, Metrics
from .notices.announcing import Announcing
from .notify import Notify
from .oidc.trips import Trips
from .paying import Paying
from .pdf import Press
from .reports import Presence
from .revocations import Revocations
from .sharing.book import SharingBook
from .sharing.viewers import ViewerLog
from .sheets import Sheets
from .subscribing.bonuses import Bonuses
from .subscribing.clock import SubscriptionClock
from .subscribing.ends import AccessEnds
from .subscribing.paying import Consequences, Renewals
from .subscribing.selling import Selling
from .subscribing.till import Till
from .subscribing.transferring import Transferring
from .tickets import Tickets
from .trips.ahead import TripAhead
from .trips.watch import TripWatch
from .ws.hub import Hub
from .ws.wheel import Wheel

if TYPE_CHECKING:
    from .ws.session import Session

log = logging.getLogger("desk.services")


class Services:
    """The parts of a worker, wired. Constructing it opens nothing; app.py runs its loops."""

    unreachable = UNREACHABLE

    def __init__(
        self,
        config: Config,
        *,
        worker: str,
        pool: Pool,
        redis: Redis,
        subscriber: Redis,
        gazetteer: Gazetteer,
        roads: RoadGraph,
        epoch: str,
        board_pool: Pool | None = None,
    ) -> None:
        self.config = config
        self.pool = pool
        self.redis = redis
        self.gazetteer = gazetteer
        self.roads = roads
        self.epoch = epoch  # of order events: names the database they are numbered in
        self.counts = Counts()
        self.ready = False
        self._warm_again_at: float | None = None
        self.repair = asyncio.Event()  # a watcher missed an order event
        self.tokens = Tokens(config.signing_key)
        wanted = config.signing_in
        self.identity = IdentityStore(pool, pepper=config.pepper, limits=wanted.otp, fixed=wanted.sms.fixed)
        self.email_codes = EmailCodes(pool, config.pepper, wanted.otp)
        self.staff = StaffStore(pool)
        self.viewing = Viewing(pool)
        self.account_views = AccountViews(pool)
        self.as_user = AsUser(self.account_views, self.tokens, pool)
        self.audit_log = AuditLog(pool)
        self.seals = SealStore(pool)
        self.anchors = Anchors(config.files / HEADS, config.pepper)
        self.external = OidcStore(pool, self.identity, pepper=config.pepper)
        self.trips = Trips(self.external, {})
        self.accounts = AccountStore(pool)
        self.drivers = DriverStore(pool)
        self.vehicles = VehicleStore(pool)
        self.companies = CompanyStore(pool)
        self.members = MemberStore(pool)
        self.fleet = FleetStore(pool)
        self.fleets = Fleets(self.fleet)
        self.files = FileStore(pool, config.files, config.file_limits)
        self.documents = DocumentStore(pool)
        self.exports = ExportStore(pool, self.files)
        self.erasures = ErasureStore(pool, config.files / LEDGER)
        self.chores = Chores(self.files, self.documents, self.exports, self.erasures)
        self.orders = OrderStore(pool, config.watch)
        self.drafts = DraftStore(pool)
        self.attachments = AttachmentStore(pool)
        self.templates = TemplateStore(pool)
        self.edits = EditStore(pool)
        moderation = Moderation()
        self.cases = CaseStore(pool, moderation.claim_s)
        self.policy = Policy()
        self.bids = BidStore(pool, self.policy, config.watch)
        self.blocks = BlockStore(pool)
        self.chats = ChatStore(pool)
        self.board = BoardStore(pool, board_pool)
        self.board_upkeep = BoardUpkeep(pool)
        self.board_searches = BoardSearches(gazetteer, roads)
        self.searches = SearchStore(pool)
        self.flags = FlagStore(pool)
        self.reloads = ReloadStore(pool, board_pool)
        self.disputes = DisputeStore(pool)
        self.dispute_judges = DisputeJudges(pool)
        self.reviews = ReviewStore(pool)
        self.judged_reviews = ReviewModeration(pool)
        self.payment_records = PaymentRecords(pool)
        self.reputations = ReputationStore(pool, self.payment_records)
        self.remittances = RemittanceStore(pool)
        self.reminders = Reminders(pool)
        self.publisher = Publisher(pool)
        self.invitations = InvitationStore(pool, self.policy)
        self.outbox = Outbox(pool)
        self.inbox = InboxStore(pool)
        self.preferences = PreferenceStore(pool)
        self.ledger = Ledger(pool)
        self.explaining = ExplainingStore(pool)
        self.senders: dict[str, PushSender] = {}  # by kind of endpoint, filled by app.py
        self.api_keys = ApiKeyStore(pool)
        self.webhooks = WebhookStore(pool)
        self.hook_seal = Seal(config.pepper, "webhook secrets")
        self.idempotency = IdempotencyStore(pool)
        self.once = Once(self.idempotency, config.pepper)
        self.otp_sender: OtpSender = LogOtp()
        self.email_sender: EmailSender = LogEmail()
        self.keys = Keys(epoch)
        self.tickets = Tickets(redis, self.keys)
        self.origins = Origins(config.public_url, config.cors_origins)
        self.limits = Limits(redis, self.keys, config.rate_limits, self.counts.judged_alone)
        self.habits = ReadHabits(
            None
            if config.watch is None
            else Limits(redis, self.keys, ReadLimits.by(config.watch), self.counts.judged_alone),
            self.flags,
        )
        self.bus = Bus(redis, subscriber, self.keys, worker)
        self.revocations = Revocations(self.identity, self.bus)
        self.live = LiveIndex()
        self.positions = PositionLog(
            config.postgres, pool, observe_lag=lambda seconds: self.metrics.commit_lag.observe(seconds)
        )
        self.wheel = Wheel()
        self.hub = Hub(self)
        self.access_ends = AccessEnds(self.hub.connected, self.hub.to_user)
        self.notify = Notify(self)
        self.sharing_rules = SharingStore(pool)
        self.pauses = PauseStore(pool)
        self.sharing = SharingBook(self.sharing_rules, self.pauses, self.live, self.notify.tell)
        self.links = LinkStore(pool)
        self.views = ViewStore(pool)
        self.viewers = ViewerLog(self.views)
        self.metrics = Metrics(self, config.worker)
        cache, meters = TimedCache(redis, self.keys), VendorMeters(self.metrics.registry, config.worker)
        self.crossings = Crossings.load()
        self.ways = build.ways(config.maps, roads, self.crossings, cache, meters)
        self.places = build.places(config.maps, gazetteer, self.crossings, cache, meters)
        self.paying = Paying(
            pool,
            acquirers(
                config.acquiring,
                pool,
                meters,
                pepper=config.pepper,
                public_url=config.public_url,
                own_url=config.own_url,
            ),
            Consequences(self.notify),
            self.metrics.registry,
            pepper=config.pepper,
            worker=config.worker,
            test_allowed=config.acquiring.test_allowed,
        )
        self.saved_places = SavedPlaceStore(pool)
        self.trips_read = TripReads(pool)
        self.ahead = TripAhead(self.trips_read)
        self.proofs = ProofStore(pool)
        self.paper_reads = PaperReads(pool)
        self.press = Press()
        self.cabinet = CabinetStore(pool)
        self.referrals = ReferralStore(pool)
        self.invitees = InviteeStore(pool)
        self.referral_judges = ReferralJudges(pool)
        self.loyalty_terms = LoyaltyTermsStore(pool)
        self.sheets = Sheets()
        self.reports = ReportStore(pool)
        self.presence = Presence(self.reports, config.worker)
        self.incidents = IncidentStore(pool)
        self.trip_watch = TripWatch(TripFollower(pool, self.ways), TripSettler(pool), self.notify)
        self.fuel_prices = FuelPriceStore(pool)
        self.plans = PlanStore(pool)
        self.access = AccessLedger(pool)
        self.subscriptions = SubscriptionStore(pool)
        self.selling = Selling(pool, self.plans, self.subscriptions)
        paying = self.paying
        self.till = Till(
            self.selling,
            self.subscriptions,
            paying.cashier,
            paying.cards,
            paying.acquirers,
            config.public_url,
        )
        self.finance = Finance(pool, paying, config.postgres)
        self.transferring = Transferring(
            config.bank, self.selling, self.subscriptions, paying.invoices, self.finance.slips
        )
        renewals = Renewals(paying.cashier, paying.cards)
        self.bonuses = BonusStore(pool)
        self.bonus_job = Bonuses(self.bonuses, self.notify)
        self.subscription_clock = SubscriptionClock(self.subscriptions, renewals, self.notify)
        self.tariffs = TariffStore(pool, Tariff())
        self.prices = Held("tariffs", self.tariffs.prices)
        self.word_store = WordStore(pool)
        self.words = Held("words", self.word_store.words)
        self.regions = Regions(gazetteer)
        self.whereabouts = Whereabouts(pool)
        self.content_pages = PageStore(pool)
        self.announcements = AnnouncementStore(pool)
        self.broadcasts = BroadcastStore(pool, self.whereabouts, self.around)
        self.deliveries = Deliveries(
            self.outbox,
            self.accounts,
            self.preferences,
            self.ledger,
            self.senders,
            broadcasts=self.broadcasts,
            observe_lag=self.metrics.push_lag.observe,
        )
        self.announcing = Announcing(
            NewsStore(pool),
            self.broadcasts,
            self.notify.noticed,
            self.hub.connected,
            self.deliveries.wake,
            self.senders,
        )
        self.calculator = Calculator(self.ways, gazetteer, self.fuel_prices, LaneStore(pool), self.prices)
        self.dispatcher = Dispatcher(
            self.orders,
            self.live,
            self.notify,
            roads,
            gazetteer,
            self.prices,
            self.policy,
            ways=self.ways,
            after_commit=after_commit,
            also_expiring=(self.bids.expire, self.invitations.resolve),
        )
        self.poster = Poster(
            self.orders,
            self.drafts,
            self.edits,
            self.cases,
            self.dispatcher.measure,
            self.dispatcher.seek_soon,
            self.notify,
            gazetteer,
            moderation,
            confirm_s=config.confirm_s,
            words=self.words.now,
        )
        self.revocations.listen(self.hub.end_sessions)

    def authenticate(self, token: str) -> Principal:
        """Who a bearer token stands for, unless the sign-in was ended. Touches no database."""
        principal = self.tokens.verify(token)
        self.revocations.check(principal.session)
        return principal

    async def party_of(self, principal: Principal) -> Party:
        """Who asks, for the order path, with the company whose orders are theirs too."""
        companies: frozenset[int] = frozenset()
        if principal.key is not None:
            companies = frozenset({principal.key.company})
        elif principal.role in ("shipper", "logistician"):
            place = await self.members.place(principal.user)
            companies = frozenset() if place is None else frozenset({place.company})
        return Party(principal.user, Actor(principal.role), companies)

    async def party_to(self, principal: Principal, order: int) -> Party:
        """The same for one order: a logistician stands for the driver of the fleet who carries it."""
        if principal.role == "logistician":
            driver = await self.orders.carrier(order)
            if driver is not None and await self.fleet.acts_for(principal.user, principal.role, driver):
                return Party(driver, Actor.DRIVER, by=principal.user)
        return await self.party_of(principal)

    def stale(self, what: str) -> None:
        """Staff have changed something that this worker holds."""
        for held in (self.prices, self.words):
            if held.name == what:
                held.stale()

    def around(self, trace: Trace) -> tuple[str, ...]:
        """The regions around what says where somebody is: none when nothing does."""
        if trace.cell is not None:
            return around(self.regions.of_cell(trace.cell))
        return () if trace.city is None else around(self.regions.of_city(trace.city))

    def now(self) -> float:
        """This worker's clock, for what need not be decided by the database's."""
        return time.time()

    async def authenticate_request(self, token: str) -> Principal:
        """The same for a request, which may also carry a company's API key; that asks the database."""
        if not token.startswith(KEY_PREFIX):
            return self.authenticate(token)
        caller = await self.api_keys.caller(token)
        return Principal(
            caller.user,
            "shipper",
            f"key:{caller.key}",
            caller.expires_at or math.inf,
            key=ApiKeyProof(caller.key, caller.company, caller.scopes),
            lang=caller.lang,
        )

    async def welcome_driver(self, session: "Session") -> None:
        """A driver's socket opens: its standing for the search, and every live offer again."""
        driver = session.principal.user
        standing = await self.drivers.standing(driver)
        self.live.set_flags(driver, on_duty=standing.on_duty, busy=standing.order is not None)
        self.access_ends.put(driver, standing.access_until or 0.0)
        for made in await self.orders.live_offers(driver):
            session.send(OfferMade(offer=offer_card(made)))

    async def run_ticks(self) -> None:
        """The heartbeat of the live lane: index, watchers and bus, once a tick."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due = max(due + self.config.tick_s, loop.time())
            await asyncio.sleep(due - loop.time())
            started = loop.time()
            now = time.time()
            own = self.live.take_own(now)
            changed = own + self.live.take_other(now)
            if own:
                self.bus.publish_blobs(self.live.blobs(own))
            if changed:
                self.counts.frames_out += self.hub.publish(changed)
                self.metrics.fanout_lag.observe(max(time.time() - min(entry.seen for entry in changed), 0.0))
            self.metrics.tick.observe(loop.time() - started)

    async def run_upkeep(self) -> None:
        """Every second: the Redis copy. Now and then: last positions, density, rights, old trucks."""
        second = 0
        while True:
            await asyncio.sleep(1.0)
            second += 1
            now = time.time()
            try:
                await self.live.copy(self.redis, self.keys)
                if self._warm_again_at is not None and now >= self._warm_again_at:
                    self._warm_again_at = None
                    await self.live.warm(self.redis, self.keys)
            except UNREACHABLE:
                log.debug("live.copy_failed")  # the bus says loudly when Redis is away
            if second % 2 == 0:
                self.hub.tell_density()
            if second % 5 == 0:
                self.hub.end_rights(now)
                try:
                    await self.live.save_last(self.pool)
                except UNREACHABLE as error:
                    log.warning("live.save_failed", extra={"error": repr(error)})
            if second % 30 == 0:
                self.hub.tell_gone(self.live.retire(now))

    async def run_board(self) -> None:
        """Keeps the board's cells and counts; one worker counts for all."""
        while True:
            try:
                await self.board_upkeep.look()
            except UNREACHABLE as error:
                log.warning("board.upkeep_failed", extra={"error": repr(error)})
            await asyncio.sleep(random.uniform(3.0, 5.0))

    async def run_repair(self) -> None:
        """Finds order events that watchers missed (lost by the bus, or overtaken), at once when asked."""
        while True:
            try:
                async with asyncio.timeout(5.0):
                    await self.repair.wait()
            except TimeoutError:
                pass
            self.repair.clear()
            known = self.hub.offsets()
            if not known:
                continue
            try:
                for event in await self.orders.events_after(known):
                    self.hub.order_changed(self.notify.wire(event))
            except UNREACHABLE as error:
                log.warning("repair.failed", extra={"error": repr(error)})
                await asyncio.sleep(1.0)

    async def warm(self) -> None:
        """After each (re)connection of the bus: what was missed, and what Redis may have lost."""
        news = await self.live.warm(self.redis, self.keys)
        self.live.copy_again()
        # What another worker sent just before we listened reaches the copy within a second.
        self._warm_again_at = time.time() + 2.0
        log.info("live.warm", extra={"drivers": news})
