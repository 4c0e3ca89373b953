import { IconLayer } from "@deck.gl/layers";

import { ageOf, type TruckTable } from "../../live/trucks";
import { type SpriteSheet, spriteName } from "../sprites";

const STANDS_BELOW = 1; // m/s; below it a heading is noise
const AGEING_ALPHA = 158;

/** Columns in the form that deck.gl uploads as they are. Reused from frame to frame: only growth allocates. */
export class TruckColumns {
  angles = new Float32Array(0);
  colours = new Uint8Array(0);
  sprites: string[] = [];

  fill(table: TruckTable, now: number): void {
    const { length } = table;
    if (this.angles.length < length) {
      this.angles = new Float32Array(table.at.length);
      this.colours = new Uint8Array(4 * table.at.length);
    }
    for (let row = 0; row < length; row++) {
      const heading = table.headings[row] ?? NaN;
      const age = ageOf(now - (table.at[row] ?? 0));
      const drives = (table.speeds[row] ?? 0) >= STANDS_BELOW && !Number.isNaN(heading);
      this.angles[row] = drives ? -heading : 0; // deck.gl turns counter-clockwise
      // The sprite carries the hue; only alpha is read from here.
      this.colours[4 * row + 3] = age === "ageing" ? AGEING_ALPHA : 255;
      this.sprites[row] = spriteName(drives ? "drives" : "stands", table.busy[row] ? "busy" : "free", age === "stale");
    }
  }
}

export interface TruckLayerOptions {
  id: string;
  sheet: SpriteSheet;
  zoom: number;
  scale?: number;
}

/** A new layer over the same arrays; deck.gl sees new `data` and uploads them again. */
export function truckLayer(table: TruckTable, columns: TruckColumns, options: TruckLayerOptions): IconLayer {
  return new IconLayer({
    id: options.id,
    data: {
      length: table.length,
      attributes: {
        getPosition: { value: table.positions, size: 2 },
        getAngle: { value: columns.angles, size: 1 },
        getColor: { value: columns.colours, size: 4, normalized: true },
      },
    },
    iconAtlas: options.sheet.atlas as unknown as string, // a canvas is accepted at run time, the type says URL or texture
    iconMapping: options.sheet.mapping,
    getIcon: (_: unknown, { index }: { index: number }) => columns.sprites[index] ?? "stands-free",
    getSize: signSize(options.zoom) * (options.scale ?? 1),
    sizeUnits: "pixels",
    billboard: true,
    pickable: true,
    alphaCutoff: 0.05,
  });
}

/** Pixels: small enough that a country full of trucks stays readable, large enough to tap when near. */
export function signSize(zoom: number): number {
  return Math.round(Math.min(34, Math.max(11, 13 + (zoom - 4) * 3.4)));
}
