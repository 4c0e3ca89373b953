import { Disconnected, Refused } from "./connection";

const GRACE_MS = 5_000;
const RETRY_MS = 2_000;

/** A place in a topic's history: the next event of the same epoch has `offset + 1`. */
export interface Stamp {
  epoch: string;
  offset: number;
}

export interface Source<Snapshot> {
  /** Subscribes (again) and answers with the state now. */
  watch(): Promise<Snapshot>;
  unwatch(): Promise<unknown>;
}

export interface Sink<Snapshot, Event> {
  snapshot(snapshot: Snapshot): void;
  event(event: Event): void;
  /** The server will not let us watch this. */
  refused?(refusal: Refused): void;
  /** The last holder left and the grace is over. */
  ended?(): void;
}

/** `dense`: every offset comes, a hole is a loss. `sparse`: ticks in which nothing changed are left out. */
export type Offsets = "dense" | "sparse";

/**
 * One subscription shared by its holders: snapshot first, then events in order. A hole in dense offsets or
 * another epoch means a new snapshot, never a guess. The last holder's leave takes effect after five seconds,
 * so that going back and forth between two pages costs nothing.
 */
export class Topic<Snapshot extends object, Event extends Stamp> {
  private holders = 0;
  private active = false;
  private round = 0;
  private stamp: Stamp | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly source: Source<Snapshot>,
    private readonly sink: Sink<Snapshot, Event>,
    private readonly offsets: Offsets = "dense",
  ) {}

  /** Holds the subscription until the returned function is called. */
  hold(): () => void {
    this.holders++;
    if (!this.active) {
      this.active = true;
      this.sync();
    } else if (this.holders === 1) {
      clearTimeout(this.timer); // came back within the grace
      if (this.stamp === null) this.sync();
    }
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      if (--this.holders === 0) {
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.end(), GRACE_MS);
      }
    };
  }

  /** Takes a new snapshot: after a reconnection, a gap, or when what is watched has changed. */
  sync(): void {
    if (!this.active) return;
    const round = ++this.round;
    this.stamp = null;
    this.source.watch().then(
      (snapshot) => {
        if (round !== this.round) return;
        // A picture without a place in a history is followed by no events either.
        const { epoch = "", offset = 0 } = snapshot as Partial<Stamp>;
        this.stamp = { epoch, offset };
        this.sink.snapshot(snapshot);
      },
      (error: unknown) => {
        if (round !== this.round || error instanceof Disconnected) return; // the next welcome syncs
        if (error instanceof Refused && !error.retry) this.sink.refused?.(error);
        else if (this.holders > 0) this.timer = setTimeout(() => this.sync(), RETRY_MS);
      },
    );
  }

  deliver(event: Event): void {
    const stamp = this.stamp;
    if (!stamp) return; // a snapshot is on its way and will contain this
    if (event.epoch !== stamp.epoch) {
      this.sync();
      return;
    }
    if (this.offsets === "dense") {
      if (event.offset <= stamp.offset) return;
      if (event.offset !== stamp.offset + 1) {
        this.sync();
        return;
      }
    } else if (event.offset < stamp.offset) {
      return;
    }
    stamp.offset = event.offset;
    this.sink.event(event);
  }

  private end(): void {
    this.active = false;
    this.round++;
    this.stamp = null;
    this.source.unwatch().catch(() => undefined); // a broken link has unsubscribed us already
    this.sink.ended?.();
  }
}
