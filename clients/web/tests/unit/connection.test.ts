import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { backoffMs } from "../../src/live/backoff";
import { Disconnected, Refused, SessionOver } from "../../src/live/connection";

import { FakeServer, ok } from "./scripted";

const tick = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

let server: FakeServer;

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer();
});

afterEach(() => {
  server.connection.stop();
  vi.useRealTimers();
});

async function open(): Promise<void> {
  server.connection.start();
  await tick();
  server.last.welcome();
}

describe("commands", () => {
  test("each command settles by its own id, in whatever order the answers come", async () => {
    await open();
    const first = server.connection.command({ type: "shift.set", on_duty: true });
    const second = server.connection.command({ type: "offer.seen", offer: 7 });
    const [a, b] = server.last.sent;
    server.last.say({ type: "error", id: (b as { id: number }).id, code: "offer_closed", message: "no", retry: false });
    server.last.say(ok((a as { id: number }).id));
    await expect(first).resolves.toBeNull();
    await expect(second).rejects.toMatchObject({ code: "offer_closed", retry: false });
    await expect(second).rejects.toBeInstanceOf(Refused);
  });

  test("a command without a link is refused at once instead of being kept for later", async () => {
    await expect(server.connection.command({ type: "ping" })).rejects.toBeInstanceOf(Disconnected);
  });

  test("commands in flight are disconnected when the link breaks", async () => {
    await open();
    const command = server.connection.command({ type: "ping" });
    const outcome = expect(command).rejects.toBeInstanceOf(Disconnected);
    server.last.end(1006);
    await outcome;
  });

  test("a command that is never answered may be tried again", async () => {
    await open();
    const command = server.connection.command({ type: "shift.set", on_duty: true });
    const outcome = expect(command).rejects.toMatchObject({ code: "timeout", retry: true });
    await tick(15_000);
    await outcome;
  });
});

describe("coming back", () => {
  test("the wait is anywhere below a ceiling that doubles from half a second to thirty", () => {
    expect(backoffMs(0, () => 1)).toBe(500);
    expect(backoffMs(3, () => 1)).toBe(4_000);
    expect(backoffMs(50, () => 1)).toBe(30_000);
    expect(backoffMs(50, () => 0)).toBe(0);
  });

  test("a lost network brings a new socket with a new ticket, and every welcome is told", async () => {
    const welcomes = vi.fn();
    server.connection.onWelcome(welcomes);
    await open();
    server.last.end(1006);
    expect(server.connection.state.phase).toBe("waiting");
    await tick(250);
    expect(server.links.map((link) => link.ticket)).toEqual(["ticket-1", "ticket-2"]);
    server.last.welcome();
    expect(server.connection.state.phase).toBe("open");
    expect(welcomes).toHaveBeenCalledTimes(2);
  });

  test("waits grow while links keep breaking young, and start anew after a link that held", async () => {
    await open();
    const waits: number[] = [];
    for (let round = 0; round < 4; round++) {
      server.last.end(1006);
      const { retryAt } = server.connection.state;
      waits.push((retryAt ?? 0) - Date.now());
      await tick(waits.at(-1));
      server.last.welcome();
    }
    expect(waits).toEqual([250, 500, 1_000, 2_000]);
    await tick(6_000);
    server.last.end(1006);
    expect((server.connection.state.retryAt ?? 0) - Date.now()).toBe(250);
  });

  test("a drained server is given the time that it asked for", async () => {
    await open();
    server.last.say({ type: "drain", retry_after: 4 });
    server.last.end(4012);
    expect((server.connection.state.retryAt ?? 0) - Date.now()).toBe(6_000);
  });

  test("a nudge ends the wait", async () => {
    await open();
    server.last.end(1006);
    server.connection.nudge();
    await tick();
    expect(server.links).toHaveLength(2);
  });

  test("a ticket that cannot be had for want of a network is asked for again", async () => {
    let tries = 0;
    server.tickets = () => (++tries < 3 ? Promise.reject(new TypeError("offline")) : Promise.resolve("late"));
    server.connection.start();
    await tick(5_000);
    expect(server.last.ticket).toBe("late");
  });

  test("what an abandoned socket still says is not heard", async () => {
    const moved = vi.fn();
    server.connection.on("area.cells", moved);
    await open();
    const old = server.last;
    old.end(1006);
    old.say({ type: "area.cells", cells: [] });
    old.end(4403);
    expect(moved).not.toHaveBeenCalled();
    expect(server.connection.state.phase).toBe("waiting");
  });
});

describe("close codes", () => {
  test.each([4008, 4012, 4013, 4029, 1001, 1006, 1011])("%i means: come back", async (code) => {
    await open();
    server.last.end(code);
    expect(server.connection.state.phase).toBe("waiting");
  });

  test.each([4400, 4403, 4409, 4426])("%i means: stay away", async (code) => {
    await open();
    server.last.end(code);
    expect(server.connection.state).toEqual({ phase: "stopped", retryAt: null, code });
    await tick(120_000);
    expect(server.links).toHaveLength(1);
  });

  test("4401 is answered by one renewal and a second try", async () => {
    await open();
    server.last.end(4401);
    await tick(250);
    expect(server.renewals).toBe(1);
    expect(server.links).toHaveLength(2);
  });

  test("4401 right after a renewal ends the connection", async () => {
    await open();
    server.last.end(4401);
    await tick(250);
    server.last.end(4401);
    await tick();
    expect(server.renewals).toBe(1);
    expect(server.connection.state).toMatchObject({ phase: "stopped", code: 4401 });
  });

  test("4401 with a session that has ended stops at once", async () => {
    server.renew = () => Promise.resolve(false);
    await open();
    server.last.end(4401);
    await tick();
    expect(server.connection.state).toMatchObject({ phase: "stopped", code: 4401 });
  });

  test("no ticket for a session that is over means signed out", async () => {
    server.tickets = () => Promise.reject(new SessionOver("revoked"));
    server.connection.start();
    await tick();
    expect(server.connection.state).toMatchObject({ phase: "stopped", code: 4401 });
  });

  test("a server that has left our protocol version behind is not tried again", async () => {
    server.connection.start();
    await tick();
    server.last.welcome({ min_version: 2 });
    expect(server.connection.state).toMatchObject({ phase: "stopped", code: 4426 });
  });
});

describe("liveness", () => {
  test("a ping leaves every twenty seconds", async () => {
    server.answer = (message) => ("id" in message ? ok(message.id) : null);
    await open();
    await tick(61_000);
    expect(server.last.of("ping")).toHaveLength(3);
    expect(server.connection.state.phase).toBe("open");
  });

  test("forty-five seconds of silence are a broken link, whatever the browser believes", async () => {
    await open();
    const dead = server.last;
    await tick(45_250);
    expect(dead.closedWith).toBe(4013);
    expect(server.links).toHaveLength(2);
  });
});
