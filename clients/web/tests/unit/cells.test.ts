import { cellToParent, latLngToCell } from "h3-js";
import { expect, test } from "vitest";

import { gathered, shownResolution } from "../../src/map/layers/cells";

test("fine cells are added up in the hexagons that a zoom can show, and no truck is lost", () => {
  const cells: [string, number][] = [];
  for (let lat = 43; lat < 44; lat += 0.1) {
    for (let lon = 76; lon < 77.5; lon += 0.15) cells.push([latLngToCell(lat, lon, 5), 2]);
  }
  const total = cells.reduce((sum, [, count]) => sum + count, 0);
  for (const zoom of [3, 5, 7, 9]) {
    const shown = gathered(cells, zoom);
    expect(shown.reduce((sum, [, count]) => sum + count, 0)).toBe(total);
    for (const [cell] of shown) expect(cellToParent(cell, shownResolution(zoom))).toBe(cell);
  }
});

test("a cell that is coarser than the zoom could show stays whole, and an unknown one is left out", () => {
  const coarse = latLngToCell(43, 76, 3);
  expect(gathered([[coarse, 3], ["nonsense", 9], [coarse, 0]], 12)).toEqual([[coarse, 3]]);
});
