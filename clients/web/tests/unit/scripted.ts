import { Connection, type Ports } from "../../src/live/connection";
import type { Link, LinkEvents } from "../../src/live/socket";
import type { ClientMessage, Ok, ServerMessage, Truck, Welcome } from "../../src/protocol/messages";

/** The far end of one socket: it remembers what it was sent and says what the test tells it to say. */
export class FakeLink implements Link {
  readonly sent: ClientMessage[] = [];
  closedWith: number | null = null;

  constructor(
    readonly ticket: string,
    readonly events: LinkEvents,
    private readonly server: FakeServer,
  ) {}

  send(message: ClientMessage): void {
    this.sent.push(message);
    const answer = this.server.answer?.(message);
    if (answer) queueMicrotask(() => this.say(answer));
  }

  close(code: number): void {
    this.closedWith = code;
  }

  say(message: ServerMessage): void {
    this.events.received(message);
  }

  welcome(more: Partial<Welcome> = {}): void {
    this.say({
      type: "welcome",
      version: 1,
      min_version: 1,
      session: "s",
      user: 1,
      role: "admin",
      heartbeat_s: 20,
      server_time: 0,
      ...more,
    });
  }

  /** The server or the network ends the socket. */
  end(code: number): void {
    this.events.closed(code);
  }

  of<T extends ClientMessage["type"]>(type: T): Extract<ClientMessage, { type: T }>[] {
    return this.sent.filter((message): message is Extract<ClientMessage, { type: T }> => message.type === type);
  }
}

export class FakeServer {
  readonly links: FakeLink[] = [];
  /** Answers a frame at once, if the test wants that. */
  answer: ((message: ClientMessage) => ServerMessage | null) | null = null;
  tickets: () => Promise<string> = () => Promise.resolve(`ticket-${this.links.length + 1}`);
  renewals = 0;
  lang = "ru";
  readonly opened: string[] = []; // the language of each link
  renew: () => Promise<boolean> = () => Promise.resolve(true);

  readonly connection: Connection;

  constructor(random: () => number = () => 0.5) {
    const ports: Ports = {
      lang: () => this.lang,
      open: (ticket, lang, events) => {
        this.opened.push(lang);
        const link = new FakeLink(ticket, events, this);
        this.links.push(link);
        return link;
      },
      ticket: () => this.tickets(),
      renew: () => {
        this.renewals++;
        return this.renew();
      },
      random,
    };
    this.connection = new Connection(ports);
  }

  get last(): FakeLink {
    const link = this.links.at(-1);
    if (!link) throw new Error("nothing has connected yet");
    return link;
  }
}

export function ok(id: number, result: Ok["result"] = null): Ok {
  return { type: "ok", id, result };
}

export function truck(driver: number, at = 0, lat = 43, lon = 76, busy = false): Truck {
  return [driver, at, lat, lon, 20, 90, busy];
}
