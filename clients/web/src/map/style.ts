import type { LayerSpecification, StyleSpecification } from "maplibre-gl";

import type { ApiLang } from "../api/desk";
import corridorsUrl from "../generated/corridors.json?url";
import townsUrl from "../generated/towns.json?url";

import type { Palette } from "./palette";

const NOTHING = { type: "FeatureCollection" as const, features: [] };
const FONT = ["Inter Variable, Noto Sans, Noto Sans CJK SC, sans-serif"];

/**
 * The offline base map: outlines of Natural Earth, towns of the gazetteer, road corridors. There is no `glyphs`
 * entry on purpose: labels are then drawn with the fonts of the page and of the device.
 */
export function baseStyle(palette: Palette, lang: ApiLang): StyleSpecification {
  return {
    version: 8,
    sources: {
      countries: { type: "geojson", data: NOTHING },
      borders: { type: "geojson", data: NOTHING },
      corridors: { type: "geojson", data: corridorsUrl },
      towns: { type: "geojson", data: townsUrl },
    },
    layers: baseLayers(palette, lang),
  };
}

export function baseLayers(palette: Palette, lang: ApiLang): LayerSpecification[] {
  const byZoom = (...stops: [number, number][]): ["interpolate", ["linear"], ["zoom"], ...number[]] => [
    "interpolate",
    ["linear"],
    ["zoom"],
    ...stops.flat(),
  ];
  return [
    { id: "water", type: "background", paint: { "background-color": palette.water } },
    {
      id: "land",
      type: "fill",
      source: "countries",
      paint: { "fill-color": ["case", ["==", ["get", "home"], true], palette.home, palette.land], "fill-antialias": false },
    },
    { id: "coast", type: "line", source: "countries", paint: { "line-color": palette.coast, "line-width": 0.6 } },
    {
      id: "borders",
      type: "line",
      source: "borders",
      paint: { "line-color": palette.border, "line-width": byZoom([3, 0.8], [8, 1.6]), "line-dasharray": [3, 2] },
    },
    {
      id: "corridors",
      type: "line",
      source: "corridors",
      layout: { "line-cap": "round" },
      paint: {
        "line-color": palette.corridor,
        "line-width": byZoom([3, 0.4], [6, 1], [10, 2]),
        "line-opacity": byZoom([3, 0.18], [4.5, 0.3], [6.5, 0.65]),
      },
    },
    {
      id: "town-dots",
      type: "circle",
      source: "towns",
      filter: ["<=", ["get", "zoom"], ["zoom"]],
      paint: {
        "circle-color": palette.town,
        "circle-radius": ["interpolate", ["linear"], ["get", "population"], 10_000, 1.5, 500_000, 2.5, 2_000_000, 3.5],
        "circle-opacity": 0.75,
      },
    },
    {
      id: "town-names",
      type: "symbol",
      source: "towns",
      filter: ["<=", ["get", "zoom"], ["zoom"]],
      layout: {
        "text-field": ["get", lang],
        "text-font": FONT,
        "text-size": ["interpolate", ["linear"], ["get", "population"], 10_000, 11, 300_000, 12.5, 1_500_000, 15],
        "text-variable-anchor": ["top", "left", "right", "bottom"],
        "text-radial-offset": 0.7,
        "text-padding": 6,
        "symbol-sort-key": ["-", 0, ["get", "population"]],
      },
      paint: { "text-color": palette.townText, "text-halo-color": palette.halo, "text-halo-width": 1.4 },
    },
  ];
}
