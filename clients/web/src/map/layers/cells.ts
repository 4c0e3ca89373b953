import type { Layer } from "@deck.gl/core";
import { PolygonLayer, TextLayer } from "@deck.gl/layers";
import { cellToBoundary, cellToLatLng, cellToParent, getResolution, isValidCell } from "h3-js";

import type { Palette } from "../palette";

/** The H3 resolution whose hexagons are large enough at this zoom to carry a number. */
export function shownResolution(zoom: number): number {
  return zoom < 4.6 ? 2 : zoom < 6.2 ? 3 : zoom < 7.8 ? 4 : 5;
}

/** Counts of the server's cells added up in the larger ones that are shown; free of cells it does not know. */
export function gathered(cells: [string, number][], zoom: number): [string, number][] {
  const shown = new Map<string, number>();
  for (const [cell, count] of cells) {
    if (count <= 0 || !isValidCell(cell)) continue;
    const parent = cellToParent(cell, Math.min(shownResolution(zoom), getResolution(cell)));
    shown.set(parent, (shown.get(parent) ?? 0) + count);
  }
  return [...shown];
}

/** Hexagons with how many trucks are free in each: darker is more, and the number says it. */
export function cellLayers(cells: [string, number][], zoom: number, palette: Palette): Layer[] {
  const known = gathered(cells, zoom);
  const most = Math.max(1, ...known.map(([, count]) => count));
  return [
    new PolygonLayer<[string, number]>({
      id: "cells",
      data: known,
      getPolygon: ([cell]) => cellToBoundary(cell, true) as [number, number][],
      getFillColor: ([, count]) => [...palette.cell, 36 + Math.round(100 * Math.sqrt(count / most))],
      getLineColor: [...palette.cell, 150],
      getLineWidth: 1,
      lineWidthUnits: "pixels",
    }),
    new TextLayer<[string, number]>({
      id: "cell-counts",
      data: known,
      getPosition: ([cell]) => {
        const [lat, lon] = cellToLatLng(cell);
        return [lon, lat];
      },
      getText: ([, count]) => String(count),
      getSize: 15,
      getColor: [...hex(palette.townText), 255],
      fontFamily: '"Inter Variable", system-ui, sans-serif',
      fontWeight: 650,
      fontSettings: { sdf: true },
      outlineWidth: 3,
      outlineColor: [...hex(palette.halo), 255],
    }),
  ];
}

function hex(colour: string): [number, number, number] {
  const value = Number.parseInt(colour.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}
