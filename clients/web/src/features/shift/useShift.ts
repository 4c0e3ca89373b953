import { computed, ref, shallowRef } from "vue";

import { Disconnected, Refused } from "../../live/connection";
import type { OfferCard, OrderState } from "../../protocol/messages";
import { ENDED, UNASSIGNED } from "../../stores/orders";
import { useSession } from "../../stores/session";

export type Step = "at_pickup" | "loaded" | "in_transit" | "at_drop" | "delivered";

/** The one next step of a trip; the server refuses any other. */
const NEXT: Record<string, Step> = {
  assigned: "at_pickup",
  at_pickup: "loaded",
  loaded: "in_transit",
  in_transit: "at_drop",
  at_drop: "delivered",
};

/** A driver's shift: duty, offers as they come and go, and the trip at hand. */
export function useShift() {
  const session = useSession();
  const { api, connection, clock } = session;
  const onDuty = ref<boolean | null>(null);
  const offers = shallowRef<OfferCard[]>([]);
  const trip = shallowRef<OrderState | null>(null);
  const now = ref(clock.now());
  const acceptIds = new Map<number, string>(); // one a load, so that a second tap after a lost answer wins nothing twice
  const seen = new Set<number>();
  const offs: (() => void)[] = [];
  let ticker: ReturnType<typeof setInterval> | undefined;

  const live = computed(() => offers.value.filter((offer) => offer.expires_at > now.value));
  const step = computed(() => (trip.value ? (NEXT[trip.value.status] ?? null) : null));

  interface Heard {
    made(offer: OfferCard): void;
    closed(offer: OfferCard, reason: string): void;
  }

  function start(heard: Heard): void {
    ticker = setInterval(() => (now.value = clock.now()), 500);
    offs.push(
      connection.on("offer.made", ({ offer }) => {
        const known = offers.value.some((other) => other.offer === offer.offer);
        offers.value = [...offers.value.filter((other) => other.offer !== offer.offer), offer];
        receipt(offer.offer);
        if (!known) heard.made(offer);
      }),
      connection.on("offer.closed", ({ offer, reason }) => {
        const gone = offers.value.find((other) => other.offer === offer);
        offers.value = offers.value.filter((other) => other.offer !== offer);
        if (gone) heard.closed(gone, reason);
      }),
      connection.onWelcome(() => void load().catch(() => undefined)), // offers may have come and gone meanwhile
    );
    if (connection.state.phase === "open") void load().catch(() => undefined);
  }

  function stop(): void {
    clearInterval(ticker);
    for (const off of offs.splice(0)) off();
  }

  async function load(): Promise<void> {
    const [me, current, page] = await Promise.all([api.me(), api.offers(), api.orders(undefined, 20)]);
    onDuty.value = me.on_duty ?? false;
    offers.value = current;
    for (const { offer } of current) receipt(offer);
    trip.value = page.orders.find(({ status }) => !ENDED.has(status) && !UNASSIGNED.has(status)) ?? null;
  }

  /** Tells the server that the offer is on a screen, so that no push follows. */
  function receipt(offer: number): void {
    if (seen.has(offer)) return;
    seen.add(offer);
    connection.command({ type: "offer.seen", offer }).catch(() => seen.delete(offer));
  }

  async function setDuty(wanted: boolean): Promise<void> {
    await connection.command({ type: "shift.set", on_duty: wanted });
    onDuty.value = wanted;
  }

  async function accept(offer: OfferCard): Promise<void> {
    const acceptId = acceptIds.get(offer.offer) ?? crypto.randomUUID();
    acceptIds.set(offer.offer, acceptId);
    try {
      const answer = await connection.command({ type: "offer.accept", offer: offer.offer, accept_id: acceptId });
      if (answer?.type === "assigned") trip.value = answer.order;
      offers.value = [];
    } catch (error) {
      const lost = error instanceof Refused && !error.retry;
      if (lost) offers.value = offers.value.filter((other) => other.offer !== offer.offer);
      if (error instanceof Disconnected) void load().catch(() => undefined);
      throw error;
    }
  }

  async function decline(offer: OfferCard): Promise<void> {
    await connection.command({ type: "offer.decline", offer: offer.offer });
    offers.value = offers.value.filter((other) => other.offer !== offer.offer);
  }

  async function advance(): Promise<void> {
    const current = trip.value;
    const wanted = step.value;
    if (!current || !wanted) return;
    await connection.command({ type: "order.advance", order: current.order, status: wanted });
    trip.value = ENDED.has(wanted) ? null : { ...current, status: wanted };
  }

  return { onDuty, offers: live, trip, step, now, start, stop, load, setDuty, accept, decline, advance };
}
