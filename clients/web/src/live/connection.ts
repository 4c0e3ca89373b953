import { mayReconnect, PROTOCOL_VERSION } from "../protocol/codes";
import type { ClientMessage, Command as Numbered, ErrorMessage, Ok, ServerMessage, Welcome } from "../protocol/messages";

import { backoffMs } from "./backoff";
import type { Link, OpenLink } from "./socket";

const PING_MS = 20_000;
const SILENCE_MS = 45_000;
const ANSWER_MS = 15_000;
const SILENT = 4013;
export const UNAUTHENTICATED = 4401;
const TOO_OLD = 4426;
const SETTLED_MS = 5_000; // a link that lived this long was a real one: back-off starts anew

/** The server refused a command; `code` is in the catalogue of errors. */
export class Refused extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly retry: boolean,
    /** The language of the message; null when it is nobody's translation. */
    readonly lang: string | null = null,
  ) {
    super(message);
  }
}

/** There was no link, or it broke before the answer came: the outcome of the command is not known. */
export class Disconnected extends Error {}

/** Thrown by `Ports.ticket` when there is no session any more. */
export class SessionOver extends Error {}

export type Phase = "idle" | "connecting" | "open" | "waiting" | "stopped";

export interface Status {
  phase: Phase;
  /** When the next try starts, in milliseconds of `Date.now()`, while waiting. */
  retryAt: number | null;
  /** The close code that stopped the connection for good. */
  code: number | null;
}

export interface Ports {
  open: OpenLink;
  /** A single-use ticket for the socket. */
  ticket(): Promise<string>;
  /** Renews the session once; false when it has ended. */
  renew(): Promise<boolean>;
  /** The reader's language when a link is opened: what the server's sentences on it are in. */
  lang(): string;
  random(): number;
}

type Unnumbered<M> = M extends { id: number } ? Omit<M, "id"> : never;
/** A command before it gets its number. */
export type Command = Unnumbered<Numbered>;
export type Answer = NonNullable<Ok["result"]> | null;
type EventName = Exclude<ServerMessage["type"], "ok" | "error" | "welcome" | "drain">;
export type EventOf<T extends EventName> = Extract<ServerMessage, { type: T }>;

interface Pending {
  settle(answer: Ok | ErrorMessage | null): void; // null: the link broke
  timer: ReturnType<typeof setTimeout>;
}

/**
 * One logical connection over many sockets: numbers commands and settles their promises, comes back after a
 * loss with full jitter, obeys the catalogue of close codes and proves liveness in both directions.
 */
export class Connection {
  private status: Status = { phase: "idle", retryAt: null, code: null };
  private link: Link | null = null;
  private lang = ""; // of the current link
  private era = 0; // of the current link: anything heard from an older one is ignored
  private attempt = 0;
  private openedAt = 0;
  private heardAt = 0;
  private pingedAt = 0;
  private nextId = 1;
  private drainMs: number | null = null;
  private renewedFor4401 = false;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private pingTimer: ReturnType<typeof setInterval> | undefined;
  private readonly pending = new Map<number, Pending>();
  private readonly listeners = new Map<string, Set<(message: never) => void>>();
  private readonly welcomed = new Set<(welcome: Welcome) => void>();
  private readonly watchers = new Set<(status: Status) => void>();

  constructor(private readonly ports: Ports) {}

  get state(): Status {
    return this.status;
  }

  start(): void {
    if (this.status.phase === "idle" || this.status.phase === "stopped") {
      this.attempt = 0;
      this.renewedFor4401 = false;
      void this.connect();
    }
  }

  /** Ends the connection on purpose: at sign-out or when the page is left. */
  stop(): void {
    this.drop(1000);
    this.become({ phase: "idle", retryAt: null, code: null });
  }

  /** The network or the page came back: do not sit out the rest of the wait. */
  nudge(): void {
    if (this.status.phase === "waiting") void this.connect();
  }

  /** Sends a command; resolves with the result of `ok`, rejects with `Refused` or `Disconnected`. */
  command(command: Command): Promise<Answer> {
    const link = this.link;
    if (!link || this.status.phase !== "open") return Promise.reject(new Disconnected("not connected"));
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      const settle = (answer: Ok | ErrorMessage | null): void => {
        const entry = this.pending.get(id);
        if (!entry) return;
        clearTimeout(entry.timer);
        this.pending.delete(id);
        if (answer === null) reject(new Disconnected("the link broke"));
        else if (answer.type === "ok") resolve(answer.result ?? null);
        else reject(new Refused(answer.code, answer.message, answer.retry, answer === late ? null : this.lang));
      };
      const late: ErrorMessage = { type: "error", id, code: "timeout", message: "no answer in time", retry: true };
      this.pending.set(id, { settle, timer: setTimeout(() => settle(late), ANSWER_MS) });
      link.send({ ...command, id } as ClientMessage);
    });
  }

  on<T extends EventName>(type: T, listener: (message: EventOf<T>) => void): () => void {
    const all = this.listeners.get(type) ?? new Set();
    this.listeners.set(type, all);
    all.add(listener as (message: never) => void);
    return () => all.delete(listener as (message: never) => void);
  }

  /** Called on each welcome, the first and every later one: the moment to watch (again). */
  onWelcome(listener: (welcome: Welcome) => void): () => void {
    this.welcomed.add(listener);
    return () => this.welcomed.delete(listener);
  }

  onStatus(listener: (status: Status) => void): () => void {
    this.watchers.add(listener);
    listener(this.status);
    return () => this.watchers.delete(listener);
  }

  private async connect(): Promise<void> {
    clearTimeout(this.retryTimer);
    const era = ++this.era;
    this.become({ phase: "connecting", retryAt: null, code: null });
    let ticket: string;
    try {
      ticket = await this.ports.ticket();
    } catch (error) {
      if (era !== this.era) return;
      if (error instanceof SessionOver) this.become({ phase: "stopped", retryAt: null, code: UNAUTHENTICATED });
      else this.wait();
      return;
    }
    if (era !== this.era) return;
    this.openedAt = this.heardAt = Date.now();
    this.lang = this.ports.lang();
    this.link = this.ports.open(ticket, this.lang, {
      received: (message) => {
        if (era === this.era) this.receive(message);
      },
      closed: (code) => {
        if (era === this.era) void this.lost(code);
      },
    });
    this.pingTimer = setInterval(() => this.prove(), PING_MS / 4);
    this.pingedAt = this.openedAt;
  }

  /** Browsers do not show websocket pings, so liveness is proved by a command and by a limit on silence. */
  private prove(): void {
    const now = Date.now();
    if (now - this.heardAt >= SILENCE_MS) {
      this.drop(SILENT);
      this.wait();
    } else if (this.status.phase === "open" && now - this.pingedAt >= PING_MS) {
      this.pingedAt = now;
      this.command({ type: "ping" }).catch(() => undefined); // the silence limit judges, not this answer
    }
  }

  private receive(message: ServerMessage): void {
    this.heardAt = Date.now();
    switch (message.type) {
      case "welcome":
        if (message.min_version > PROTOCOL_VERSION) {
          this.drop(1000);
          this.become({ phase: "stopped", retryAt: null, code: TOO_OLD });
          return;
        }
        this.renewedFor4401 = false;
        this.become({ phase: "open", retryAt: null, code: null });
        for (const listener of [...this.welcomed]) listener(message);
        return;
      case "ok":
        this.pending.get(message.id)?.settle(message);
        return;
      case "error":
        if (message.id != null) this.pending.get(message.id)?.settle(message);
        return;
      case "drain":
        this.drainMs = message.retry_after * 1000;
        return;
      default:
        for (const listener of this.listeners.get(message.type) ?? []) listener(message as never);
    }
  }

  private async lost(code: number): Promise<void> {
    const lived = Date.now() - this.openedAt;
    const settled = this.status.phase === "open" && lived >= SETTLED_MS;
    this.drop(null);
    if (settled) this.attempt = 0;
    if (code === UNAUTHENTICATED && !this.renewedFor4401) {
      this.renewedFor4401 = true;
      const era = this.era;
      const renewed = await this.ports.renew().catch(() => true); // a network fault is not a verdict
      if (era !== this.era) return;
      if (renewed) this.wait();
      else this.become({ phase: "stopped", retryAt: null, code });
    } else if (!mayReconnect(code)) {
      this.become({ phase: "stopped", retryAt: null, code });
    } else {
      this.wait();
    }
  }

  private wait(): void {
    const drain = this.drainMs;
    this.drainMs = null;
    const delay = drain === null ? backoffMs(this.attempt++, this.ports.random) : drain * (1 + this.ports.random());
    this.become({ phase: "waiting", retryAt: Date.now() + delay, code: null });
    this.retryTimer = setTimeout(() => void this.connect(), delay);
  }

  /** Lets go of the link, if any; whatever it still says belongs to a past era. */
  private drop(code: number | null): void {
    this.era++;
    clearTimeout(this.retryTimer);
    clearInterval(this.pingTimer);
    const link = this.link;
    this.link = null;
    // Browsers allow 1000 and 3000-4999 only.
    if (link && code !== null) link.close(code);
    for (const entry of [...this.pending.values()]) entry.settle(null);
  }

  private become(status: Status): void {
    this.status = status;
    for (const watcher of [...this.watchers]) watcher(status);
  }
}
