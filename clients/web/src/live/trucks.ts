import type { Truck } from "../protocol/messages";

export const FRESH_S = 30;
export const STALE_S = 300;

export type Age = "fresh" | "ageing" | "stale";

/** How much a position `seconds` old can be trusted: below 30 s fresh, below 5 min ageing, then stale. */
export function ageOf(seconds: number): Age {
  if (seconds < FRESH_S) return "fresh";
  return seconds < STALE_S ? "ageing" : "stale";
}

export interface Census {
  total: number;
  fresh: number;
  ageing: number;
  stale: number;
  busy: number;
}

/** Degrees; the map does not go across the antimeridian. */
export interface Box {
  west: number;
  south: number;
  east: number;
  north: number;
}

export function inside(box: Box, lat: number, lon: number): boolean {
  return lat >= box.south && lat <= box.north && lon >= box.west && lon <= box.east;
}

/**
 * Trucks as columns, so that the map layer takes them as they are: thousands of updates a second touch no
 * reactive object. Removal swaps the last row in; row order means nothing.
 */
export class TruckTable {
  length = 0;
  /** lon, lat of row 0, lon, lat of row 1 ... in degrees; 32-bit floats are exact to about a metre. */
  positions = new Float32Array(2 * 256);
  at = new Float64Array(256);
  /** m/s, NaN when unknown. */
  speeds = new Float32Array(256);
  /** Degrees clockwise from north, NaN when unknown. */
  headings = new Float32Array(256);
  busy = new Uint8Array(256);
  drivers = new Float64Array(256);
  private readonly rows = new Map<number, number>();

  put(truck: Truck): void {
    const [driver, at, lat, lon, speed, heading, busy] = truck;
    let row = this.rows.get(driver);
    if (row === undefined) {
      row = this.length++;
      if (row >= this.at.length) this.grow();
      this.rows.set(driver, row);
      this.drivers[row] = driver;
    } else if (at < (this.at[row] ?? 0)) {
      return; // live state never moves back in time
    }
    this.positions[2 * row] = lon;
    this.positions[2 * row + 1] = lat;
    this.at[row] = at;
    this.speeds[row] = speed ?? NaN;
    this.headings[row] = heading ?? NaN;
    this.busy[row] = busy ? 1 : 0;
  }

  remove(driver: number): void {
    const row = this.rows.get(driver);
    if (row === undefined) return;
    this.rows.delete(driver);
    const last = --this.length;
    if (row === last) return;
    const moved = this.drivers[last] ?? 0;
    this.positions.copyWithin(2 * row, 2 * last, 2 * last + 2);
    for (const column of [this.at, this.speeds, this.headings, this.busy, this.drivers]) {
      column.copyWithin(row, last, last + 1);
    }
    this.rows.set(moved, row);
  }

  replace(trucks: Truck[]): void {
    this.rows.clear();
    this.length = 0;
    for (const truck of trucks) this.put(truck);
  }

  has(driver: number): boolean {
    return this.rows.has(driver);
  }

  get(driver: number): Truck | null {
    const row = this.rows.get(driver);
    return row === undefined ? null : this.row(row);
  }

  row(row: number): Truck {
    const speed = this.speeds[row] ?? NaN;
    const heading = this.headings[row] ?? NaN;
    return [
      this.drivers[row] ?? 0,
      this.at[row] ?? 0,
      this.positions[2 * row + 1] ?? 0,
      this.positions[2 * row] ?? 0,
      Number.isNaN(speed) ? null : speed,
      Number.isNaN(heading) ? null : heading,
      this.busy[row] === 1,
    ];
  }

  /** Counts by age; with bounds only what lies inside them. */
  census(now: number, bounds: Box | null = null): Census {
    const counts: Census = { total: 0, fresh: 0, ageing: 0, stale: 0, busy: 0 };
    for (let row = 0; row < this.length; row++) {
      if (bounds && !inside(bounds, this.positions[2 * row + 1] ?? 0, this.positions[2 * row] ?? 0)) continue;
      counts.total++;
      counts[ageOf(now - (this.at[row] ?? 0))]++;
      counts.busy += this.busy[row] ?? 0;
    }
    return counts;
  }

  private grow(): void {
    const longer = <T extends Float32Array | Float64Array | Uint8Array>(column: T): T => {
      const wide = new (column.constructor as new (length: number) => T)(column.length * 2);
      wide.set(column);
      return wide;
    };
    this.positions = longer(this.positions);
    this.at = longer(this.at);
    this.speeds = longer(this.speeds);
    this.headings = longer(this.headings);
    this.busy = longer(this.busy);
    this.drivers = longer(this.drivers);
  }
}
