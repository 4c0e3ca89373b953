import type { Layer } from "@deck.gl/core";
import { PolygonLayer, TextLayer } from "@deck.gl/layers";
import { cellToBoundary, cellToLatLng, isValidCell } from "h3-js";

import type { Palette } from "../palette";

/** Coarse hexagons with how many trucks are free in each: darker is more, and the number says it. */
export function cellLayers(cells: [string, number][], palette: Palette): Layer[] {
  const known = cells.filter(([cell, count]) => count > 0 && isValidCell(cell));
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
