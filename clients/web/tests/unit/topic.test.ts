import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { AreaFeed, OrderFeeds } from "../../src/live/feeds";
import type { ClientMessage, OrderSnapshot, OrderState, ServerMessage } from "../../src/protocol/messages";

import { FakeServer, ok, truck } from "./scripted";

const tick = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
const bounds = { west: 60, south: 40, east: 80, north: 55 };

function snapshot(offset: number, epoch = "e1", order = 5): OrderSnapshot {
  const state = { order, status: "open", seq: offset } as OrderState;
  return { type: "order.snapshot", epoch, offset, state };
}

let server: FakeServer;
let offset: number;

function answer(message: ClientMessage): ServerMessage | null {
  if (message.type === "order.watch") return ok(message.id, snapshot(offset, "e1", message.order));
  if (message.type === "area.watch") {
    return ok(message.id, { type: "area.snapshot", epoch: "e1", offset, trucks: [truck(1)] });
  }
  return "id" in message ? ok(message.id) : null;
}

async function open(): Promise<void> {
  server.connection.start();
  await tick();
  server.last.welcome();
  await tick();
}

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer();
  server.answer = answer;
  offset = 3;
});

afterEach(() => {
  server.connection.stop();
  vi.useRealTimers();
});

describe("a watched order", () => {
  const heard = { snapshot: vi.fn(), changed: vi.fn(), moved: vi.fn(), refused: vi.fn() };
  let feeds: OrderFeeds;

  beforeEach(() => {
    for (const spy of Object.values(heard)) spy.mockReset();
    feeds = new OrderFeeds(server.connection, heard);
  });

  const changed = (at: number, epoch = "e1"): ServerMessage => ({
    type: "order.changed",
    order: 5,
    epoch,
    offset: at,
    event: "advanced",
    status: "loaded",
    at: 1,
  });

  test("is a snapshot first, then its events in order", async () => {
    await open();
    feeds.follow(5);
    await tick();
    server.last.say(changed(4));
    server.last.say(changed(5));
    expect(heard.snapshot).toHaveBeenCalledTimes(1);
    expect(heard.changed.mock.calls.map(([event]) => event.offset)).toEqual([4, 5]);
  });

  test("skips events that its snapshot already contains", async () => {
    await open();
    feeds.follow(5);
    await tick();
    server.last.say(changed(3));
    expect(heard.changed).not.toHaveBeenCalled();
    expect(server.last.of("order.watch")).toHaveLength(1);
  });

  test.each([
    ["a hole in the offsets", changed(6)],
    ["another epoch", changed(4, "e2")],
  ])("is watched again after %s, and never guesses", async (_, event) => {
    await open();
    feeds.follow(5);
    await tick();
    offset = 6;
    server.last.say(event);
    await tick();
    expect(heard.changed).not.toHaveBeenCalled();
    expect(heard.snapshot).toHaveBeenCalledTimes(2);
  });

  test("is watched again on every new connection", async () => {
    await open();
    feeds.follow(5);
    await tick();
    server.last.end(1006);
    await tick(1_000);
    server.last.welcome();
    await tick();
    expect(server.last.of("order.watch")).toHaveLength(1);
    expect(heard.snapshot).toHaveBeenCalledTimes(2);
  });

  test("may be asked for before there is a connection", async () => {
    feeds.follow(5);
    await tick();
    await open();
    expect(heard.snapshot).toHaveBeenCalledTimes(1);
  });

  test("is subscribed once for many holders and let go five seconds after the last one", async () => {
    await open();
    const first = feeds.follow(5);
    const second = feeds.follow(5);
    await tick();
    first();
    first(); // twice is once
    await tick(60_000);
    expect(server.last.of("order.unwatch")).toHaveLength(0);
    second();
    await tick(4_900);
    expect(server.last.of("order.unwatch")).toHaveLength(0);
    await tick(200);
    expect(server.last.of("order.unwatch")).toHaveLength(1);
    expect(server.last.of("order.watch")).toHaveLength(1);
  });

  test("stays subscribed for a holder that comes back within the grace", async () => {
    await open();
    feeds.follow(5)();
    await tick(3_000);
    feeds.follow(5);
    await tick(30_000);
    expect(server.last.of("order.watch")).toHaveLength(1);
    expect(server.last.of("order.unwatch")).toHaveLength(0);
  });

  test("that is not ours is told to the page and not asked for again", async () => {
    server.answer = (message) =>
      message.type === "order.watch"
        ? { type: "error", id: message.id, code: "not_found", message: "", retry: false }
        : answer(message);
    await open();
    feeds.follow(5);
    await tick(20_000);
    expect(heard.refused).toHaveBeenCalledTimes(1);
    expect(server.last.of("order.watch")).toHaveLength(1);
  });

  test("that the server cannot give now is asked for again later", async () => {
    let tries = 0;
    server.answer = (message) =>
      message.type === "order.watch" && ++tries === 1
        ? { type: "error", id: message.id, code: "busy", message: "", retry: true }
        : answer(message);
    await open();
    feeds.follow(5);
    await tick(2_500);
    expect(heard.snapshot).toHaveBeenCalledTimes(1);
  });
});

describe("the viewport", () => {
  const seen = { all: vi.fn(), moved: vi.fn(), cells: vi.fn(), refused: vi.fn() };

  beforeEach(() => {
    for (const spy of Object.values(seen)) spy.mockReset();
  });

  test("follows the latest bounds only: the answer to an earlier look is dropped", async () => {
    const waiting: (() => void)[] = [];
    server.answer = (message) => {
      if (message.type !== "area.watch") return answer(message);
      const driver = waiting.length + 1;
      waiting.push(() => {
        server.last.say(ok(message.id, { type: "area.snapshot", epoch: "e1", offset: 0, trucks: [truck(driver)] }));
      });
      return null;
    };
    await open();
    const area = new AreaFeed(server.connection, seen);
    area.look(bounds);
    area.hold();
    area.look({ ...bounds, east: 81 });
    waiting[0]?.();
    await tick();
    expect(seen.all).not.toHaveBeenCalled();
    waiting[1]?.();
    await tick();
    expect(seen.all.mock.calls).toEqual([[[truck(2)]]]);
  });

  test("passes on who moved and who is gone", async () => {
    await open();
    const area = new AreaFeed(server.connection, seen);
    area.look(bounds);
    area.hold();
    await tick();
    server.last.say({ type: "area.moved", epoch: "e1", offset: 4, trucks: [truck(2)], gone: [1] });
    server.last.say({ type: "area.moved", epoch: "e1", offset: 5, trucks: [truck(2, 1)] } as ServerMessage);
    expect(seen.moved.mock.calls).toEqual([
      [[truck(2)], [1]],
      [[truck(2, 1)], []],
    ]);
  });

  test("takes quiet ticks for what they are, and leaves of the same tick with its moves", async () => {
    await open();
    const area = new AreaFeed(server.connection, seen);
    area.look(bounds);
    area.hold();
    await tick();
    server.last.say({ type: "area.moved", epoch: "e1", offset: 90, trucks: [truck(2)] });
    server.last.say({ type: "area.moved", epoch: "e1", offset: 90, trucks: [], gone: [2] });
    expect(seen.moved).toHaveBeenCalledTimes(2);
    expect(server.last.of("area.watch")).toHaveLength(1);
  });

  test("is watched again when another worker's epoch shows up", async () => {
    await open();
    const area = new AreaFeed(server.connection, seen);
    area.look(bounds);
    area.hold();
    await tick();
    server.last.say({ type: "area.moved", epoch: "e2", offset: 4, trucks: [truck(2)] });
    await tick();
    expect(seen.moved).not.toHaveBeenCalled();
    expect(server.last.of("area.watch")).toHaveLength(2);
  });

  test("that is too wide for a shipper is told, and asked for again after the next move", async () => {
    server.answer = (message) =>
      message.type === "area.watch"
        ? { type: "error", id: message.id, code: "bad_request", message: "zoom in", retry: false }
        : answer(message);
    await open();
    const area = new AreaFeed(server.connection, seen);
    area.look(bounds);
    area.hold();
    await tick(10_000);
    expect(seen.refused).toHaveBeenCalledTimes(1);
    server.answer = answer;
    area.look({ ...bounds, east: 61 });
    await tick();
    expect(seen.all).toHaveBeenCalledTimes(1);
  });

  test("shows a shipper cells, from the answer and from each new picture", async () => {
    server.answer = (message) =>
      message.type === "area.watch"
        ? ok(message.id, { type: "area.density", cells: [["831f8dfffffffff", 4]] })
        : answer(message);
    await open();
    const area = new AreaFeed(server.connection, seen);
    area.look(bounds);
    area.hold();
    await tick();
    server.last.say({ type: "area.cells", cells: [["831f8dfffffffff", 5]] });
    expect(seen.cells.mock.calls.map(([cells]) => cells[0][1])).toEqual([4, 5]);
  });
});
