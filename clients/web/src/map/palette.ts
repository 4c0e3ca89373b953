/** Colours of the canvas, where style sheets do not reach. Hex for MapLibre, RGB for deck.gl. */
export interface Palette {
  water: string;
  land: string;
  home: string;
  border: string;
  coast: string;
  corridor: string;
  town: string;
  townText: string;
  halo: string;
  free: string;
  busy: string;
  stale: string;
  rim: string;
  endFill: string;
  route: [number, number, number];
  routeRim: [number, number, number];
  ring: [number, number, number];
  cell: [number, number, number];
}

export const LIGHT: Palette = {
  water: "#d3dee4",
  land: "#eceeeb",
  home: "#f8f8f5",
  border: "#aab4ba",
  coast: "#b7c4cb",
  corridor: "#c3b99f",
  town: "#4a565f",
  townText: "#33404a",
  halo: "#f8f8f5",
  free: "#12805c",
  busy: "#2b62c9",
  stale: "#6b7780",
  rim: "#ffffff",
  endFill: "#16222b",
  route: [11, 96, 112],
  routeRim: [255, 255, 255],
  ring: [11, 96, 112],
  cell: [18, 128, 92],
};

export const DARK: Palette = {
  water: "#0b1115",
  land: "#151d23",
  home: "#1b252c",
  border: "#3c4a55",
  coast: "#28343d",
  corridor: "#4a4c40",
  town: "#9fb0bc",
  townText: "#b9c7d1",
  halo: "#12191e",
  free: "#43cf98",
  busy: "#7aa7ff",
  stale: "#8795a0",
  rim: "#0f1519",
  endFill: "#e8eef2",
  route: [111, 208, 222],
  routeRim: [15, 21, 25],
  ring: [111, 208, 222],
  cell: [67, 207, 152],
};
