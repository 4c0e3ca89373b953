import type { AreaDensity, AreaMoved, AreaSnapshot, OrderChanged, OrderSnapshot, Truck } from "../protocol/messages";

import type { Connection, Refused } from "./connection";
import { Topic } from "./topic";
import type { Box } from "./trucks";

export interface AreaSink {
  /** Everything in the viewport now. */
  all(trucks: Truck[]): void;
  moved(trucks: Truck[], gone: number[]): void;
  /** Shippers: free trucks a coarse cell. */
  cells(cells: [string, number][]): void;
  /** The server will not show this viewport, mostly because it is too wide. */
  refused(refusal: Refused): void;
}

/** The one viewport that this connection follows. */
export class AreaFeed {
  private bounds: Box | null = null;
  private readonly topic: Topic<AreaSnapshot | AreaDensity, AreaMoved>;

  constructor(connection: Connection, sink: AreaSink) {
    this.topic = new Topic<AreaSnapshot | AreaDensity, AreaMoved>(
      {
        watch: async () => {
          if (!this.bounds) throw new TypeError("no viewport yet");
          return (await connection.command({ type: "area.watch", ...this.bounds })) as AreaSnapshot | AreaDensity;
        },
        unwatch: () => connection.command({ type: "area.unwatch" }),
      },
      {
        snapshot: (seen) => {
          if (seen.type === "area.snapshot") sink.all(seen.trucks);
          else sink.cells(seen.cells);
        },
        event: (moved) => sink.moved(moved.trucks, moved.gone ?? []),
        refused: (refusal) => sink.refused(refusal),
        ended: () => sink.all([]),
      },
      "sparse", // offsets are the server's ticks
    );
    connection.on("area.moved", (moved) => this.topic.deliver(moved));
    connection.on("area.cells", (picture) => sink.cells(picture.cells));
    connection.onWelcome(() => this.topic.sync());
  }

  /** Follows these bounds from now on. */
  look(bounds: Box): void {
    const first = this.bounds === null;
    this.bounds = bounds;
    if (!first) this.topic.sync();
  }

  /** Needs a `look` before. */
  hold(): () => void {
    return this.topic.hold();
  }
}

export interface OrderListener {
  snapshot(snapshot: OrderSnapshot): void;
  changed(event: OrderChanged): void;
  moved(truck: Truck): void;
  refused?(refusal: Refused): void;
}

/** Watched orders, each subscribed once however many parts of the page follow it. */
export class OrderFeeds {
  private readonly topics = new Map<number, Topic<OrderSnapshot, OrderChanged>>();

  constructor(
    private readonly connection: Connection,
    private readonly listener: OrderListener,
  ) {
    connection.on("order.changed", (event) => this.topics.get(event.order)?.deliver(event));
    connection.on("order.moved", (event) => {
      if (this.topics.has(event.order)) listener.moved(event.truck);
    });
    connection.onWelcome(() => {
      for (const topic of this.topics.values()) topic.sync();
    });
  }

  /** Follows one order until the returned function is called. */
  follow(order: number): () => void {
    const topic = this.topics.get(order) ?? this.open(order);
    return topic.hold();
  }

  private open(order: number): Topic<OrderSnapshot, OrderChanged> {
    const { connection, listener, topics } = this;
    const topic = new Topic<OrderSnapshot, OrderChanged>(
      {
        watch: async () => (await connection.command({ type: "order.watch", order })) as OrderSnapshot,
        unwatch: () => connection.command({ type: "order.unwatch", order }),
      },
      {
        snapshot: (snapshot) => listener.snapshot(snapshot),
        event: (event) => listener.changed(event),
        refused: (refusal) => listener.refused?.(refusal),
        ended: () => topics.delete(order),
      },
    );
    topics.set(order, topic);
    return topic;
  }
}
