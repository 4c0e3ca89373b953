// @vitest-environment happy-dom
import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { Http } from "../../src/api/http";
import { useDrivers } from "../../src/stores/drivers";
import { fits, useOrders } from "../../src/stores/orders";
import { keepReferral, keptReferral } from "../../src/stores/referral";
import { useSession } from "../../src/stores/session";
import { useSettings } from "../../src/stores/settings";
import type { OrderState } from "../../src/protocol/messages";

import { truck } from "./scripted";

interface Asked {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: unknown;
}

let asked: Asked[];
let answers: (request: Asked) => [status: number, body: unknown];

const signedIn = (user = 7, role = "admin"): unknown => ({ access: "fresh", access_expires_at: Date.now() / 1000 + 900, user, role });
const refused = (code: string, status: number): [number, unknown] => [status, { code, status, title: code, detail: code, retry: false }];

/** Sockets of these tests stay silent: the connection has its own tests. */
class SilentSocket {
  static readonly OPEN = 1;
  readyState = 0;
  send(): void {}
  close(): void {}
}

beforeEach(() => {
  setActivePinia(createPinia());
  localStorage.clear();
  asked = [];
  answers = () => [200, {}];
  vi.stubGlobal("WebSocket", SilentSocket);
  vi.stubGlobal("fetch", (path: string, request: RequestInit) => {
    const body: unknown = typeof request.body === "string" ? JSON.parse(request.body) : undefined;
    const call = { method: request.method ?? "GET", path, headers: request.headers as Record<string, string>, body };
    asked.push(call);
    const [status, answer] = answers(call);
    return Promise.resolve(new Response(status === 204 ? null : JSON.stringify(answer), { status }));
  });
});

afterEach(() => {
  useSession().connection.stop();
  vi.unstubAllGlobals();
});

describe("a referral link", () => {
  test("is told with the sign-in that follows, once, and leaves the address", async () => {
    sessionStorage.clear();
    history.replaceState(null, "", "/?ref=ABCDEFGH23&lang=ru#/sign-in");
    keepReferral();
    expect(location.href).toMatch(/\/\?lang=ru#\/sign-in$/);
    answers = () => [200, signedIn(8, "shipper")];
    await useSession().signIn("request", "111111");
    await useSession().signIn("request", "222222");
    const told = asked.filter(({ path }) => path.endsWith("/auth/verify")).map(({ body }) => body);
    expect(told).toEqual([
      { request: "request", code: "111111", referral: "ABCDEFGH23" },
      { request: "request", code: "222222" },
    ]);
  });

  test("with a code that is none is passed over", () => {
    sessionStorage.clear();
    history.replaceState(null, "", "/?ref=%3Cscript%3E");
    keepReferral();
    expect(keptReferral()).toBeNull();
    expect(location.search).toBe("");
  });
});

describe("the language", () => {
  test("that is chosen while signed in becomes the profile's, from the version that was read", async () => {
    answers = ({ method, path }) => {
      if (path.endsWith("/auth/verify")) return [200, signedIn()];
      return [200, method === "GET" ? { name: "", email: null, locale: "ru", time_zone: "Asia/Almaty", version: 4 } : {}];
    };
    const settings = useSettings();
    await settings.speak("zh-CN");
    expect(asked).toEqual([]); // a stranger has no profile
    await useSession().signIn("r", "123456");
    await settings.speak("ru");
    await settings.speak("kk");
    const changes = asked.filter(({ method }) => method === "PATCH");
    expect(changes).toHaveLength(1); // it was Russian already
    expect(changes[0]).toMatchObject({ path: "/api/v1/me/settings", headers: { "If-Match": '"4"', "Accept-Language": "kk" } });
  });

  test("changes on the page also when the profile cannot be told", async () => {
    answers = ({ path }) => (path.endsWith("/auth/verify") ? [200, signedIn()] : refused("unavailable", 503));
    await useSession().signIn("r", "123456");
    const settings = useSettings();
    await settings.speak("en");
    expect(settings.locale).toBe("en");
  });
});

describe("the HTTP client", () => {
  test("says that it is a browser, so that the refresh token stays in a cookie", async () => {
    await new Http({ token: () => "t", renew: () => Promise.resolve(false) }).get("/api/v1/me");
    expect(asked[0]?.headers).toMatchObject({ "X-Desk-Client": "web", Authorization: "Bearer t" });
  });

  test("renews once after 401 and repeats the call with the new token", async () => {
    let token = "old";
    answers = ({ headers }) => (headers["Authorization"] === "Bearer new" ? [200, { done: true }] : refused("token_expired", 401));
    const renew = vi.fn(() => {
      token = "new";
      return Promise.resolve(true);
    });
    await expect(new Http({ token: () => token, renew }).get("/api/v1/me")).resolves.toEqual({ done: true });
    expect(renew).toHaveBeenCalledTimes(1);
  });

  test("gives up after one renewal", async () => {
    answers = () => refused("token_expired", 401);
    const http = new Http({ token: () => "t", renew: () => Promise.resolve(true) });
    await expect(http.get("/api/v1/me")).rejects.toMatchObject({ code: "token_expired", status: 401 });
    expect(asked).toHaveLength(2);
  });

  test("a network without an answer is told apart from a refusal", async () => {
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("failed to fetch")));
    await expect(new Http({ token: () => null, renew: () => Promise.resolve(false) }).get("/api/v1/me")).rejects.toMatchObject({
      code: "offline",
      retry: true,
    });
  });
});

describe("the session", () => {
  test("a newcomer's start asks the server nothing", async () => {
    const session = useSession();
    await session.restore();
    expect(session.phase).toBe("out");
    expect(asked).toEqual([]);
  });

  test("a reload comes back by the cookie, and no token is left where scripts could read it", async () => {
    answers = ({ path }) => (path === "/api/v1/auth/verify" || path === "/api/v1/auth/refresh" ? [200, signedIn()] : [201, { ticket: "t" }]);
    await useSession().signIn("00000000-0000-4000-8000-000000000001", "123456");
    expect(JSON.stringify({ ...localStorage })).not.toContain("fresh");
    useSession().connection.stop();

    setActivePinia(createPinia()); // the page again
    const session = useSession();
    await session.restore();
    expect([session.phase, session.user, session.role]).toEqual(["in", 7, "admin"]);
  });

  test("staff are not in before the second factor, and get recovery codes with a new one", async () => {
    const challenge = { challenge: "c", expires_at: 2e9, enrol: true, secret: "JBSWY3DP", otpauth: "otpauth://totp/x" };
    answers = ({ path }) =>
      path === "/api/v1/auth/verify" ? [202, challenge]
      : path === "/api/v1/auth/second-factor" ? [200, Object.assign({ recovery_codes: ["a-b"] }, signedIn())]
      : [201, { ticket: "t" }];
    const session = useSession();
    await expect(session.signIn("r", "123456")).resolves.toEqual(challenge);
    expect(session.phase).not.toBe("in");
    expect(localStorage.getItem("desk.signed-in")).toBeNull();
    await expect(session.showFactor("c", "654321")).resolves.toEqual(["a-b"]);
    expect([session.phase, session.role]).toEqual(["in", "admin"]);
  });

  test("a cookie that is no longer good means signed out, a lost network does not", async () => {
    localStorage.setItem("desk.signed-in", "1");
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("offline")));
    await useSession().restore();
    expect(useSession().phase).toBe("out");
    expect(localStorage.getItem("desk.signed-in")).toBe("1"); // the next start tries again
  });

  test("sign-out forgets everything even when the server cannot be told", async () => {
    answers = ({ path }) => (path === "/api/v1/auth/verify" ? [200, signedIn()] : refused("unavailable", 503));
    const session = useSession();
    await session.signIn("00000000-0000-4000-8000-000000000001", "123456");
    await expect(session.signOut()).rejects.toMatchObject({ code: "unavailable" });
    expect([session.phase, session.user, localStorage.getItem("desk.signed-in")]).toEqual(["out", null, null]);
  });

  test("sign-out lets the connection go first, so that no close 4401 asks the ended session for a renewal", async () => {
    const session = useSession();
    let phase = "";
    answers = ({ path }) => {
      if (path === "/api/v1/auth/verify") return [200, signedIn()];
      if (path === "/api/v1/auth/sign-out") phase = session.connection.state.phase;
      return path === "/api/v1/ws-ticket" ? [201, { ticket: "t" }] : [204, null];
    };
    await session.signIn("00000000-0000-4000-8000-000000000001", "123456");
    expect(session.connection.state.phase).toBe("connecting");
    await session.signOut();
    expect(phase).toBe("idle");
  });

  test("many calls that need a renewal at once share one", async () => {
    localStorage.setItem("desk.signed-in", "1");
    answers = ({ path }) => (path === "/api/v1/auth/refresh" ? [200, signedIn()] : [200, { orders: [] }]);
    const session = useSession();
    await Promise.all([session.restore(), session.restore()]);
    expect(asked.filter(({ path }) => path === "/api/v1/auth/refresh")).toHaveLength(1);
  });
});

describe("orders", () => {
  const order = (number: number, status: string, seq = 1): OrderState => ({ order: number, status, seq }) as OrderState;

  test("an older state never overwrites a newer one", () => {
    const orders = useOrders();
    orders.put([order(1, "loaded", 4)]);
    orders.put([order(1, "assigned", 2)]);
    expect(orders.known.get(1)?.status).toBe("loaded");
  });

  test("are listed newest first and counted by filter", () => {
    const orders = useOrders();
    orders.put([order(1, "open"), order(3, "in_transit"), order(2, "cancelled")]);
    expect(orders.shown.map(({ order: number }) => number)).toEqual([3, 2, 1]);
    expect(orders.counts).toEqual({ all: 3, open: 1, active: 1, done: 1 });
  });

  test.each([
    ["open", "open"],
    ["disputed", "active"],
    ["at_drop", "active"],
    ["delivered", "done"],
    ["expired", "done"],
  ] as const)("%s is filed under %s", (status, filter) => {
    expect(fits(status, filter)).toBe(true);
    for (const other of ["open", "active", "done"] as const) expect(fits(status, other)).toBe(other === filter);
  });

  test("are forgotten at sign-out", () => {
    const orders = useOrders();
    orders.put([order(1, "open")]);
    orders.forget();
    expect(orders.shown).toEqual([]);
  });
});

describe("trucks of the viewport", () => {
  test("the list is sorted as asked", () => {
    const drivers = useDrivers();
    drivers.table.replace([[3, 30, 43, 76, 5, 0, false], [1, 20, 43, 76, null, 0, false], [2, 10, 43, 76, 25, 0, false]]);
    const ids = (): number[] => drivers.rows.map(([id]) => id);
    drivers.sortBy("id");
    expect(ids()).toEqual([1, 2, 3]);
    drivers.sortBy("age");
    expect(ids()).toEqual([2, 1, 3]);
    drivers.sortBy("speed");
    expect(ids()).toEqual([2, 3, 1]);
  });

  test("the truck of an order does not jump back to an older place", () => {
    const drivers = useDrivers();
    drivers.assign(truck(5, 100, 43));
    drivers.assign(truck(5, 90, 44));
    expect(drivers.assigned?.[2]).toBe(43);
    drivers.assign(truck(6, 10, 45)); // another truck is another story
    expect(drivers.assigned?.[0]).toBe(6);
  });
});
