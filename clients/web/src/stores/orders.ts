import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";

import { type OrderListener, OrderFeeds } from "../live/feeds";
import type { OrderDetail, OrderState, Place } from "../protocol/messages";

import { useDrivers } from "./drivers";
import { useSession } from "./session";

/** The haul is over, one way or the other. */
export const ENDED: ReadonlySet<string> = new Set(["delivered", "closed", "cancelled", "expired"]);
/** No truck yet. */
export const UNASSIGNED: ReadonlySet<string> = new Set(["draft", "moderation", "open"]);

export type OrderFilter = "all" | "open" | "active" | "done";

export function fits(status: string, filter: OrderFilter): boolean {
  switch (filter) {
    case "all":
      return true;
    case "done":
      return ENDED.has(status);
    case "open":
      return UNASSIGNED.has(status);
    case "active":
      return !ENDED.has(status) && !UNASSIGNED.has(status);
  }
}

const LIVE_ORDERS = 20; // of a shipper, followed one by one
const POLL_MS = { admin: 5_000, shipper: 20_000, driver: 20_000, logistician: 20_000 };
const DETAIL_MS = 150; // several events of one moment are one reload

/** Orders that this user may see: the list, and the one that is open with its route and history. */
export const useOrders = defineStore("orders", () => {
  const session = useSession();
  const drivers = useDrivers();
  const known = shallowRef<ReadonlyMap<number, OrderState>>(new Map());
  const next = ref<number | null>(null);
  const phase = ref<"loading" | "ready" | "failed">("loading");
  const filter = ref<OrderFilter>("all");
  const opened = ref<number | null>(null);
  const detail = shallowRef<OrderDetail | null>(null);
  /** A route that is not an order yet: the quote of the load being written. */
  const preview = shallowRef<{ line: [number, number][]; pickup: Place; drop: Place } | null>(null);
  const failure = shallowRef<unknown>(null);
  /** The latest change that came by the socket, for those who tell it aloud. */
  const heard = shallowRef<{ order: number; status: string } | null>(null);

  const listener: OrderListener = {
    snapshot: ({ state }) => {
      put([state]);
      if (state.order === opened.value) drivers.assign(state.truck ?? null);
    },
    changed: (event) => {
      const before = known.value.get(event.order);
      if (before) put([{ ...before, status: event.status, driver: event.driver ?? before.driver ?? null }]);
      heard.value = { order: event.order, status: event.status };
      if (event.order === opened.value) planDetail();
    },
    moved: (truck) => {
      if (detail.value?.order.driver === truck[0]) drivers.assign(truck);
    },
  };
  const feeds = new OrderFeeds(session.connection, listener);
  const followed = new Map<number, () => void>();
  let closeOpened: (() => void) | null = null;
  let detailTimer: ReturnType<typeof setTimeout> | undefined;
  let poller: ReturnType<typeof setInterval> | undefined;

  const all = computed(() => [...known.value.values()].sort((a, b) => b.order - a.order));
  const shown = computed(() => all.value.filter((order) => fits(order.status, filter.value)));
  const counts = computed(() => {
    const count = (by: OrderFilter): number => all.value.filter((order) => fits(order.status, by)).length;
    return { all: all.value.length, open: count("open"), active: count("active"), done: count("done") };
  });

  function put(states: OrderState[]): void {
    const merged = new Map(known.value);
    for (const state of states) {
      if (state.seq >= (merged.get(state.order)?.seq ?? 0)) merged.set(state.order, state);
    }
    known.value = merged;
    if (session.role === "shipper") followOwn();
  }

  /** A shipper's running orders are followed live; there are few of them. */
  function followOwn(): void {
    const running = all.value.filter((order) => !ENDED.has(order.status)).slice(0, LIVE_ORDERS);
    const wanted = new Set(running.map(({ order }) => order));
    for (const [order, release] of followed) {
      if (wanted.has(order)) continue;
      release();
      followed.delete(order);
    }
    for (const order of wanted) {
      if (!followed.has(order)) followed.set(order, feeds.follow(order));
    }
  }

  async function load(): Promise<void> {
    try {
      const page = await session.api.orders();
      put(page.orders);
      next.value ??= page.next ?? null;
      phase.value = "ready";
    } catch {
      if (known.value.size === 0) phase.value = "failed";
    }
  }

  async function more(): Promise<void> {
    if (next.value === null) return;
    const page = await session.api.orders(next.value);
    put(page.orders);
    next.value = page.next ?? null;
  }

  /** Keeps the list current until the returned function is called. */
  function hold(): () => void {
    void load();
    const refresh = (): void => {
      if (!document.hidden) void load();
    };
    poller = setInterval(refresh, POLL_MS[session.role ?? "shipper"]);
    document.addEventListener("visibilitychange", refresh);
    return () => {
      clearInterval(poller);
      document.removeEventListener("visibilitychange", refresh);
      for (const release of followed.values()) release();
      followed.clear();
    };
  }

  function open(order: number | null): void {
    if (order === opened.value) return;
    closeOpened?.();
    closeOpened = null;
    opened.value = order;
    detail.value = null;
    failure.value = null;
    drivers.assign(null);
    if (order === null) return;
    closeOpened = feeds.follow(order);
    void loadDetail();
  }

  function planDetail(): void {
    clearTimeout(detailTimer);
    detailTimer = setTimeout(() => void loadDetail(), DETAIL_MS);
  }

  async function loadDetail(): Promise<void> {
    const order = opened.value;
    if (order === null) return;
    try {
      const found = await session.api.order(order);
      if (order !== opened.value) return;
      detail.value = found;
      failure.value = null;
      put([found.order]);
      if (found.order.truck) drivers.assign(found.order.truck);
    } catch (error) {
      if (order === opened.value && !detail.value) failure.value = error;
    }
  }

  async function cancel(order: number): Promise<void> {
    put([await session.api.cancel(order, "")]);
    if (order === opened.value) await loadDetail();
  }

  /** Forgets everything at sign-out: the next user of this browser must not see it. */
  function forget(): void {
    open(null);
    known.value = new Map();
    next.value = null;
    phase.value = "loading";
  }

  return {
    known, shown, counts, next, phase, filter, opened, detail, preview, failure, heard,
    put, load, more, hold, open, loadDetail, cancel, forget,
  };
});
