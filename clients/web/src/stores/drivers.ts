import { defineStore } from "pinia";
import { computed, markRaw, ref, shallowRef } from "vue";

import { AreaFeed } from "../live/feeds";
import { ageOf, type Box, type Census, inside, TruckTable } from "../live/trucks";
import type { Truck } from "../protocol/messages";

import { useSession } from "./session";

const FRAME_MS = 100; // the server's tick: drawing more often shows nothing new
const REST = 3; // a slow device draws less often: a quarter of its time at most
const LISTED = 200;
const MARGIN = 0.25; // of the view, on each side

export type TruckSort = "id" | "age" | "speed";

/**
 * Trucks of the viewport. Positions live in plain columns outside Vue; once per animation frame, at most ten
 * times a second, the map and the few figures that Vue shows are told.
 */
export const useDrivers = defineStore("drivers", () => {
  const session = useSession();
  const table = markRaw(new TruckTable());
  const census = shallowRef<Census>({ total: 0, fresh: 0, ageing: 0, stale: 0, busy: 0 });
  const cells = shallowRef<[string, number][]>([]);
  const now = ref(session.clock.now());
  const chosen = shallowRef<Truck | null>(null);
  const inView = ref(false);
  const following = ref(false);
  /** The view is wider than the server tells counts for. */
  const tooWide = ref(false);
  const rows = shallowRef<Truck[]>([]);
  const sort = ref<TruckSort>("id");
  /** The truck of the watched order: shown to its shipper too, who sees no others. */
  const assigned = shallowRef<Truck | null>(null);

  const frames = new Set<() => void>();
  let lists = 0;
  let holds = 0;
  let release: (() => void) | null = null;
  let watched: Box | null = null;
  let view: Box | null = null;
  let planned = false;
  let drawnAt = 0;
  let cost = 0; // of a drawn frame, ms
  let ticker: ReturnType<typeof setInterval> | undefined;

  const area = new AreaFeed(session.connection, {
    all: (trucks) => {
      table.replace(trucks.filter(within));
      plan();
    },
    moved: (trucks, gone) => {
      // The server follows whole cells: a truck that drives out of the bounds is told once and then no more.
      for (const truck of trucks) {
        if (within(truck)) table.put(truck);
        else table.remove(truck[0]);
      }
      for (const driver of gone) table.remove(driver);
      plan();
    },
    cells: (picture) => {
      tooWide.value = false;
      cells.value = picture;
    },
    refused: () => {
      tooWide.value = true;
      cells.value = [];
    },
  });

  function within(truck: Truck): boolean {
    return watched !== null && inside(watched, truck[2], truck[3]);
  }

  function plan(): void {
    if (planned || typeof requestAnimationFrame === "undefined") return;
    planned = true;
    const wait = Math.max(0, Math.max(FRAME_MS, REST * cost) - (performance.now() - drawnAt));
    setTimeout(() => requestAnimationFrame(flush), wait);
  }

  function flush(): void {
    planned = false;
    drawnAt = performance.now();
    const at = session.clock.now();
    census.value = table.census(at, view);
    const picked = chosen.value?.[0];
    if (picked !== undefined) {
      const seen = table.get(picked) ?? (assigned.value?.[0] === picked ? assigned.value : null);
      inView.value = seen !== null;
      if (seen) chosen.value = seen;
    }
    for (const frame of frames) frame();
    requestAnimationFrame((next) => {
      cost = Math.max(0, next - drawnAt);
    });
  }

  /** Ages grow by themselves: once a second everything that shows one is brought up to date. */
  function tick(): void {
    now.value = session.clock.now();
    if (lists > 0) list();
    plan();
  }

  function list(): void {
    const all: Truck[] = [];
    for (let row = 0; row < table.length; row++) all.push(table.row(row));
    const order: Record<TruckSort, (a: Truck, b: Truck) => number> = {
      id: (a, b) => a[0] - b[0],
      age: (a, b) => a[1] - b[1] || a[0] - b[0],
      speed: (a, b) => (b[4] ?? -1) - (a[4] ?? -1) || a[0] - b[0],
    };
    rows.value = all.sort(order[sort.value]).slice(0, LISTED);
  }

  /** Follows the view, for operators with a margin around it: a short pan shows trucks at once. */
  function look(now: Box): void {
    view = now;
    watched = session.role === "admin" ? widened(now) : now;
    area.look(watched);
    if (holds > 0) release ??= area.hold();
  }

  /** Follows the viewport, and keeps ages running, until the returned function is called. */
  function hold(): () => void {
    if (holds++ === 0) {
      ticker = setInterval(tick, 1000);
      if (watched) release = area.hold();
    }
    return () => {
      if (--holds > 0) return;
      clearInterval(ticker);
      release?.();
      release = null;
    };
  }

  function onFrame(frame: () => void): () => void {
    frames.add(frame);
    return () => frames.delete(frame);
  }

  /** Keeps the sorted list current while it is shown. */
  function showList(): () => void {
    lists++;
    list();
    return () => {
      lists--;
    };
  }

  function sortBy(by: TruckSort): void {
    sort.value = by;
    list();
  }

  function choose(driver: number | null): void {
    following.value = false;
    chosen.value = driver === null ? null : (table.get(driver) ?? (assigned.value?.[0] === driver ? assigned.value : null));
    inView.value = chosen.value !== null;
    plan();
  }

  function assign(truck: Truck | null): void {
    const before = assigned.value;
    if (truck && before && before[0] === truck[0] && truck[1] < before[1]) return;
    assigned.value = truck;
    plan();
  }

  const chosenAge = computed(() => (chosen.value ? Math.max(0, now.value - chosen.value[1]) : 0));
  const chosenAgeClass = computed(() => ageOf(chosenAge.value));

  return {
    table, census, cells, now, chosen, chosenAge, chosenAgeClass, inView, following, tooWide, rows, sort, assigned,
    frameTime: () => session.clock.now(), look, hold, onFrame, showList, sortBy, choose, assign,
  };
});

function widened({ west, south, east, north }: Box): Box {
  const wide = (east - west) * MARGIN;
  const high = (north - south) * MARGIN;
  return {
    west: Math.max(-180, west - wide),
    south: Math.max(-90, south - high),
    east: Math.min(180, east + wide),
    north: Math.min(90, north + high),
  };
}
