import type { Layer } from "@deck.gl/core";
import { PathLayer, ScatterplotLayer } from "@deck.gl/layers";

import type { Palette } from "../palette";

/** The way of a watched order, (lat, lon) as the API gives it, with a rim that lifts it off the map. */
export function routeLayers(line: [number, number][], palette: Palette): Layer[] {
  if (line.length < 2) return [];
  const data = [line.map(([lat, lon]) => [lon, lat] as [number, number])];
  const path = (id: string, colour: [number, number, number], width: number): Layer =>
    new PathLayer<[number, number][]>({
      id,
      data,
      getPath: (points) => points,
      getColor: [...colour, 235],
      getWidth: width,
      widthUnits: "pixels",
      capRounded: true,
      jointRounded: true,
    });
  return [path("route-rim", palette.routeRim, 7), path("route", palette.route, 4)];
}

/** A ring around the chosen truck. */
export function ringLayer(lon: number, lat: number, radius: number, palette: Palette): Layer {
  return new ScatterplotLayer<[number, number]>({
    id: "ring",
    data: [[lon, lat]],
    getPosition: (point) => point,
    getRadius: radius,
    radiusUnits: "pixels",
    filled: true,
    stroked: true,
    getFillColor: [...palette.ring, 40],
    getLineColor: [...palette.ring, 255],
    getLineWidth: 3,
    lineWidthUnits: "pixels",
  });
}
