// A small stand-in for the server, for work on the page alone: the same REST and websocket dialect, invented
// trucks on the real corridors. Phones: ...01 driver, ...02 shipper, ...03 admin; the code is always 123456.
// Usage: PORT=8090 TRUCKS=600 node tests/fake/server.mjs   (serves dist as well)
import { createReadStream, existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

import { decode, encode } from "@msgpack/msgpack";
import { latLngToCell } from "h3-js";
import { WebSocketServer } from "ws";

const port = Number(process.env.PORT ?? 8090);
const count = Number(process.env.TRUCKS ?? 600);
const dist = fileURLToPath(new URL("../../dist", import.meta.url));
const towns = JSON.parse(readFileSync(new URL("../../src/generated/towns.json", import.meta.url), "utf8")).features;
const roads = JSON.parse(readFileSync(new URL("../../src/generated/corridors.json", import.meta.url), "utf8")).geometry.coordinates;
const now = () => Date.now() / 1000;

const cities = towns.map(({ geometry, properties }, index) => ({ ...properties, city: index + 1, lon: geometry.coordinates[0], lat: geometry.coordinates[1] }));
const place = (city, lang = "ru") => ({ city: city.city, name: city[lang], lat: city.lat, lon: city.lon });
const metres = (a, b) => {
  const rad = Math.PI / 180;
  const h = Math.sin(((b.lat - a.lat) * rad) / 2) ** 2 + Math.cos(a.lat * rad) * Math.cos(b.lat * rad) * Math.sin(((b.lon - a.lon) * rad) / 2) ** 2;
  return 2 * 6371008 * Math.asin(Math.sqrt(h));
};

// -- trucks ------------------------------------------------------------------------------------------------
let seed = 7;
const random = () => (seed = (seed * 1103515245 + 12345) % 2 ** 31) / 2 ** 31;
const home = roads.filter(([a, b]) => [a, b].every(([lon, lat]) => lon > 47 && lon < 87 && lat > 40.6 && lat < 55.4));
const trucks = Array.from({ length: count }, (_, index) => ({
  driver: 1000 + index,
  road: home[Math.floor(random() * home.length)],
  part: random(),
  way: random() < 0.5 ? 1 : -1,
  speed: random() < 0.2 ? 0 : 14 + random() * 10,
  busy: random() < 0.45,
  at: now() - (random() < 0.08 ? 60 + random() * 2000 : 0),
  silent: random() < 0.1,
}));
function wire(truck) {
  const [[x0, y0], [x1, y1]] = truck.road;
  const [lon, lat] = [x0 + (x1 - x0) * truck.part, y0 + (y1 - y0) * truck.part];
  const east = (x1 - x0) * Math.cos((lat * Math.PI) / 180) * truck.way;
  const heading = ((Math.atan2(east, (y1 - y0) * truck.way) * 180) / Math.PI + 360) % 360;
  return [truck.driver, truck.at, lat, lon, truck.speed, heading, truck.busy];
}

// -- orders ------------------------------------------------------------------------------------------------
const orders = new Map();
const events = new Map();
let nextOrder = 100;
const busyBodies = ["tent", "reefer", "flatbed", "isotherm"];
function makeOrder(shipper, from, to, cargo, kg, body, status, driver = null, price = null) {
  const order = ++nextOrder;
  const distance = metres(from, to) * 1.25;
  const state = { order, status, seq: 1, pickup: place(from), drop: place(to), cargo, weight_kg: kg, volume_m3: 40, body, distance_m: distance, duration_s: distance / 17, estimate: order % 4 === 0, price: { amount: price ?? Math.round(distance / 1000) * 25000, currency: "KZT" }, created_at: now() - 3600 * (order % 9), driver, truck: null };
  orders.set(order, { state, shipper, epoch: "e1" });
  const path = ["open", "assigned", "at_pickup", "loaded", "in_transit", "at_drop", "delivered"];
  const upto = path.indexOf(status);
  const steps = upto < 0 ? ["open", status] : path.slice(0, upto + 1);
  events.set(order, steps.map((step, index) => ({ seq: index + 1, kind: index ? "advanced" : "placed", status: step, at: state.created_at + index * 900, actor: 1 })));
  state.seq = steps.length;
  return state;
}
const byName = (name) => cities.find((city) => city.en === name) ?? cities[0];
const samples = [
  ["Almaty", "Astana", "Стройматериалы на паллетах", 19500, "tent", "in_transit"],
  ["Shymkent", "Karaganda", "Овощи, +4 °C", 18000, "reefer", "open"],
  ["Aktobe", "Atyrau", "Трубы стальные 12 м", 21000, "flatbed", "loaded"],
  ["Kostanay", "Almaty", "Мука в мешках", 20000, "tent", "at_pickup"],
  ["Pavlodar", "Oskemen", "Бытовая техника", 8200, "isotherm", "delivered"],
  ["Taraz", "Kyzylorda", "Удобрения в биг-бэгах", 20000, "tent", "cancelled"],
  ["Astana", "Petropavl", "Автозапчасти", 5400, "tent", "open"],
  ["Aktau", "Oral", "Оборудование для нефтегаза", 17500, "flatbed", "assigned"],
];
samples.forEach(([from, to, cargo, kg, body, status], index) => {
  const assigned = !["open", "cancelled"].includes(status);
  makeOrder(index % 2 ? 9 : 2, byName(from), byName(to), cargo, kg, body, status, assigned ? 1000 + index : null);
});
const truckOf = (driver) => {
  const truck = trucks.find((one) => one.driver === driver);
  return truck ? wire(truck) : null;
};
const view = (entry) => ({ ...entry.state, truck: entry.state.driver ? truckOf(entry.state.driver) : null });
function change(order, status, driver = null) {
  const entry = orders.get(order);
  entry.state = { ...entry.state, status, seq: entry.state.seq + 1, driver: driver ?? entry.state.driver };
  events.get(order).push({ seq: entry.state.seq, kind: status === "cancelled" ? "cancelled" : "advanced", status, at: now(), actor: 1 });
  for (const socket of sockets) {
    if (socket.orders.has(order)) socket.say({ type: "order.changed", order, epoch: "e1", offset: entry.state.seq, event: "advanced", status, at: now(), driver: entry.state.driver });
  }
  return entry.state;
}

// -- REST --------------------------------------------------------------------------------------------------
const ROLE = { 1: "driver", 2: "shipper", 3: "admin" };
const requests = new Map();
const tickets = new Map();
const duty = new Set();
const keys = new Map();
const signed = (user) => ({ access: `access-${user}`, access_expires_at: now() + 900, user, role: ROLE[user], refresh: null });
const problem = (status, code) => [status, { type: `/docs/errors#${code}`, title: code, status, code, detail: code, retry: status >= 500 }];

async function api(method, url, body, user, request) {
  const path = url.pathname.slice(7);
  const route = `${method} ${path}`;
  if (route === "POST /auth/otp") {
    if (!/^\+\d{8,15}$/.test(body.phone)) return problem(422, "phone_invalid");
    const id = crypto.randomUUID();
    requests.set(id, Number(body.phone.slice(-1)) in ROLE ? Number(body.phone.slice(-1)) : 1);
    return [201, { request: id, expires_at: now() + 300, resend_at: now() + 60 }];
  }
  if (route === "POST /auth/verify") {
    const known = requests.get(body.request) ?? (body.request === "00000000-0000-4000-8000-000000000003" ? 3 : null);
    if (known === null || body.code !== "123456") return problem(401, "code_wrong");
    return [200, signed(known), { "Set-Cookie": `desk_refresh=${known}; HttpOnly; SameSite=Strict; Path=/api/v1/auth` }];
  }
  if (route === "POST /auth/refresh") {
    const cookie = /desk_refresh=(\d+)/.exec(request.headers.cookie ?? "");
    return cookie ? [200, signed(Number(cookie[1]))] : problem(401, "session_revoked");
  }
  if (user === null) return problem(401, "unauthenticated");
  if (route === "POST /auth/sign-out") return [204, null, { "Set-Cookie": "desk_refresh=; Max-Age=0; Path=/api/v1/auth" }];
  if (route === "GET /me") return [200, { user, phone: "+77010000001", role: ROLE[user], name: "", locale: "ru", vehicle: null, paid_until: null, on_duty: duty.has(user) }];
  if (route === "POST /ws-ticket") {
    const ticket = crypto.randomUUID();
    tickets.set(ticket, user);
    return [201, { ticket, expires_at: now() + 30 }];
  }
  if (route === "GET /cities") {
    const q = url.searchParams.get("q").toLowerCase();
    const lang = url.searchParams.get("lang");
    const found = cities.filter((city) => [city.ru, city.kk, city.en, city.zh].some((name) => name.toLowerCase().startsWith(q)));
    return [200, { cities: found.slice(0, 8).map((city) => ({ city: city.city, name: city[lang], country: "KZ", region: "", lat: city.lat, lon: city.lon, population: city.population })) }];
  }
  if (route === "POST /quotes") {
    const [from, to] = [cities[body.pickup_city - 1], cities[body.drop_city - 1]];
    const distance = metres(from, to) * 1.25;
    return [200, { distance_m: distance, duration_s: distance / 17, origin: "embedded", estimate: from.city % 2 === 0, price: { amount: Math.round(distance / 1000) * 25000, currency: "KZT" }, line: [[from.lat, from.lon], [to.lat, to.lon]], towns: [from.ru, to.ru] }];
  }
  if (route === "POST /orders") {
    const key = request.headers["idempotency-key"];
    if (!key) return problem(400, "bad_request");
    if (!keys.has(key)) keys.set(key, makeOrder(user, cities[body.pickup_city - 1], cities[body.drop_city - 1], body.cargo, body.weight_kg, body.body, "open", null, body.price));
    return [201, keys.get(key)];
  }
  if (route === "GET /orders") {
    const mine = [...orders.values()].filter(({ shipper, state }) => user === 3 || shipper === user || state.driver === user);
    return [200, { orders: mine.map(view).sort((a, b) => b.order - a.order), next: null }];
  }
  const one = /^\/orders\/(\d+)(\/cancel)?$/.exec(path);
  if (one && orders.has(Number(one[1]))) {
    const entry = orders.get(Number(one[1]));
    if (one[2]) return [200, change(entry.state.order, "cancelled")];
    const { pickup, drop } = entry.state;
    const bend = [(pickup.lat + drop.lat) / 2 + 0.6, (pickup.lon + drop.lon) / 2 - 0.4];
    return [200, { order: view(entry), line: [[pickup.lat, pickup.lon], bend, [drop.lat, drop.lon]], events: events.get(entry.state.order) }];
  }
  if (route === "GET /offers") return [200, { offers: [] }];
  return problem(404, "not_found");
}

const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".json": "application/json", ".svg": "image/svg+xml", ".woff2": "font/woff2" };
const server = createServer(async (request, response) => {
  const url = new URL(request.url, "http://localhost");
  if (url.pathname.startsWith("/api/v1/")) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = chunks.length ? JSON.parse(Buffer.concat(chunks).toString()) : {};
    const user = /access-(\d)/.exec(request.headers.authorization ?? "");
    const [status, answer, headers] = await api(request.method, url, body, user ? Number(user[1]) : null, request);
    response.writeHead(status, { "Content-Type": status < 400 ? "application/json" : "application/problem+json", ...headers });
    response.end(answer === null ? undefined : JSON.stringify(answer));
    return;
  }
  const wanted = join(dist, normalize(url.pathname));
  const file = url.pathname !== "/" && existsSync(wanted) ? wanted : join(dist, "index.html");
  response.writeHead(200, { "Content-Type": TYPES[extname(file)] ?? "application/octet-stream" });
  createReadStream(file).pipe(response);
});

// -- websocket ---------------------------------------------------------------------------------------------
const sockets = new Set();
const upgrade = new WebSocketServer({ server, path: "/ws", perMessageDeflate: false, handleProtocols: (offered) => [...offered][0] });
upgrade.on("connection", (ws, request) => {
  const ticket = new URL(request.url, "http://localhost").searchParams.get("ticket");
  const user = tickets.get(ticket);
  tickets.delete(ticket);
  const socket = { user, area: null, offset: 0, inside: new Set(), orders: new Set(), say: (message) => ws.readyState === 1 && ws.send(encode(message)) };
  if (user === undefined) return ws.close(4401);
  sockets.add(socket);
  ws.on("close", () => sockets.delete(socket));
  socket.say({ type: "welcome", version: 1, min_version: 1, session: "s", user, role: ROLE[user], heartbeat_s: 20, server_time: now() });
  ws.on("message", (data) => {
    const message = decode(data);
    const ok = (result) => socket.say({ type: "ok", id: message.id, ...(result && { result }) });
    switch (message.type) {
      case "area.watch": {
        socket.area = message;
        if (ROLE[user] === "shipper") return ok({ type: "area.density", cells: density(message) });
        const inside = trucks.map(wire).filter((truck) => within(message, truck));
        socket.inside = new Set(inside.map(([driver]) => driver));
        socket.offset = 0;
        return ok({ type: "area.snapshot", epoch: "a1", offset: 0, trucks: inside });
      }
      case "order.watch": {
        const entry = orders.get(message.order);
        if (!entry) return socket.say({ type: "error", id: message.id, code: "not_found", message: "no such order", retry: false });
        socket.orders.add(message.order);
        return ok({ type: "order.snapshot", epoch: "e1", offset: entry.state.seq, state: view(entry) });
      }
      case "order.unwatch":
        socket.orders.delete(message.order);
        return ok();
      case "shift.set":
        if (message.on_duty) {
          duty.add(user);
          setTimeout(() => offerTo(socket), 1500);
        } else duty.delete(user);
        return ok();
      case "offer.accept": {
        const entry = orders.get(message.offer);
        return ok({ type: "assigned", order: change(entry.state.order, "assigned", user) });
      }
      case "order.advance":
        change(message.order, message.status);
        return ok();
      default:
        return ok();
    }
  });
});
function offerTo(socket) {
  const { state } = [...orders.values()].find((entry) => entry.state.status === "open") ?? {};
  if (!state) return;
  const { order, pickup, drop, cargo, weight_kg, volume_m3, body, distance_m, price } = state;
  socket.say({ type: "offer.made", offer: { offer: order, order, pickup, drop, cargo, weight_kg, volume_m3, body, distance_m, deadhead_m: 23400, price, expires_at: now() + 45, wave: 1 } });
}
const within = (area, [, , lat, lon]) => lat >= area.south && lat <= area.north && lon >= area.west && lon <= area.east;
function density(area) {
  const cells = new Map();
  for (const truck of trucks) {
    const at = wire(truck);
    if (truck.busy || !within(area, at)) continue;
    const cell = latLngToCell(at[2], at[3], 5);
    cells.set(cell, (cells.get(cell) ?? 0) + 1);
  }
  return [...cells];
}
let beat = 0;
setInterval(() => {
  beat++;
  const moved = [];
  trucks.forEach((truck, index) => {
    if (truck.silent || index % 5 !== beat % 5) return;
    truck.part += (truck.way * truck.speed) / Math.max(2000, metres({ lon: truck.road[0][0], lat: truck.road[0][1] }, { lon: truck.road[1][0], lat: truck.road[1][1] }));
    if (truck.part < 0 || truck.part > 1) truck.way *= -1;
    truck.part = Math.min(1, Math.max(0, truck.part));
    truck.at = now();
    moved.push(wire(truck));
  });
  for (const socket of sockets) {
    for (const order of socket.orders) {
      const driver = orders.get(order)?.state.driver;
      const truck = driver ? moved.find(([id]) => id === driver) : null;
      if (truck) socket.say({ type: "order.moved", order, truck });
    }
    if (!socket.area) continue;
    if (ROLE[socket.user] === "shipper") {
      if (beat % 10 === 0) socket.say({ type: "area.cells", cells: density(socket.area) });
      continue;
    }
    const seen = moved.filter((truck) => within(socket.area, truck));
    const gone = moved.filter((truck) => !within(socket.area, truck) && socket.inside.delete(truck[0])).map(([driver]) => driver);
    for (const [driver] of seen) socket.inside.add(driver);
    if (seen.length || gone.length) socket.say({ type: "area.moved", epoch: "a1", offset: ++socket.offset, trucks: seen, gone });
  }
}, 200).unref();

server.listen(port, "127.0.0.1", () => console.log(`fake desk on http://127.0.0.1:${port}`));
