import type { Layer } from "@deck.gl/core";
import { IconLayer, PathLayer, ScatterplotLayer } from "@deck.gl/layers";

import type { Place } from "../../protocol/messages";
import type { Palette } from "../palette";
import type { SpriteSheet } from "../sprites";

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

/** Where the haul begins and where it ends. */
export function endsLayer(pickup: Place, drop: Place, sheet: SpriteSheet): Layer {
  return new IconLayer<{ place: Place; icon: string }>({
    id: "ends",
    data: [
      { place: pickup, icon: "end-A" },
      { place: drop, icon: "end-B" },
    ],
    iconAtlas: sheet.atlas as unknown as string, // a canvas is accepted at run time, the type says URL or texture
    iconMapping: sheet.mapping,
    getIcon: ({ icon }) => icon,
    getPosition: ({ place }) => [place.lon, place.lat],
    getSize: 34,
  });
}
