import { MapLibreOverlay } from "@deck.gl/maplibre";
import type { Layer } from "@deck.gl/core";
import { LngLatBounds, Map as LibreMap, AttributionControl, type GeoJSONSource, setWorkerUrl } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import { feature, mesh } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import worldUrl from "world-atlas/countries-50m.json?url";

import type { ApiLang } from "../api/desk";
import { type Box, TruckTable } from "../live/trucks";
import type { Place, Truck } from "../protocol/messages";

import { endsLayer, ringLayer, routeLayers } from "./layers/route";
import { signSize, TruckColumns, truckLayer } from "./layers/trucks";
import { DARK, LIGHT, type Palette } from "./palette";
import { drawSprites, type SpriteSheet } from "./sprites";
import { baseLayers, baseStyle } from "./style";

setWorkerUrl(workerUrl);

const HOME: [[number, number], [number, number]] = [
  [46.4, 40.4],
  [87.4, 55.5],
];
const HOME_COUNTRY = "398"; // ISO 3166-1 numeric of Kazakhstan
const SETTLE_MS = 250;
const TAP_RADIUS = 14;

export interface Insets {
  top: number;
  right: number;
  bottom: number;
  left: number;
}

export interface MapEvents {
  /** The map has come to rest over this box. */
  view(box: Box): void;
  chosen(driver: number | null): void;
  idle(idle: boolean): void;
}

export interface RouteOnMap {
  line: [number, number][];
  pickup: Place;
  drop: Place;
}

/** The map as one object: what is shown goes in, where one looks and taps comes out. It knows no store. */
export class DeskMap {
  private readonly map: LibreMap;
  private readonly overlay: MapLibreOverlay;
  private readonly columns = new TruckColumns();
  private readonly onlyTable = new TruckTable();
  private readonly onlyColumns = new TruckColumns();
  private palette: Palette;
  private sheet: SpriteSheet;
  private table: TruckTable | null = null;
  private only: Truck | null = null;
  private chosen: Truck | null = null;
  private cells: [string, number][] = [];
  private cellLayers: typeof import("./layers/cells").cellLayers | null = null;
  private route: RouteOnMap | null = null;
  private now = 0;
  private outlined = false;
  private settle: ReturnType<typeof setTimeout> | undefined;

  constructor(
    container: HTMLElement,
    dark: boolean,
    private lang: ApiLang,
    insets: Insets,
    private readonly events: MapEvents,
  ) {
    this.palette = dark ? DARK : LIGHT;
    this.sheet = drawSprites(this.palette);
    this.map = new LibreMap({
      container,
      style: baseStyle(this.palette, lang),
      bounds: HOME,
      fitBoundsOptions: { padding: insets },
      minZoom: 2,
      maxZoom: 16,
      renderWorldCopies: false,
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
    });
    this.map.touchZoomRotate.disableRotation();
    this.map.keyboard.disableRotation();
    this.map.addControl(
      new AttributionControl({ compact: true, customAttribution: "Natural Earth, GeoNames (CC BY)" }),
      "bottom-right",
    );
    this.overlay = new MapLibreOverlay({
      interleaved: false,
      layers: [],
      pickingRadius: TAP_RADIUS,
      getCursor: ({ isHovering, isDragging }) => (isDragging ? "grabbing" : isHovering ? "pointer" : "grab"),
      onClick: ({ layer, index }) => this.clicked(layer?.id ?? null, index),
    });
    this.map.addControl(this.overlay);
    this.map.on("load", () => {
      this.tellView();
      void this.outline();
    });
    this.map.on("moveend", () => {
      clearTimeout(this.settle);
      this.settle = setTimeout(() => this.tellView(), SETTLE_MS);
    });
    this.map.on("zoom", () => this.draw());
    this.map.on("idle", () => {
      if (this.outlined) events.idle(true);
    });
    this.map.on("movestart", () => events.idle(false));
  }

  destroy(): void {
    clearTimeout(this.settle);
    this.map.remove();
  }

  setTrucks(table: TruckTable, only: Truck | null, chosen: Truck | null, now: number): void {
    this.table = table;
    this.only = only;
    this.chosen = chosen;
    this.now = now;
    this.draw();
  }

  /** The hexagon library is large and operators never need it: it is loaded with the first cells. */
  async setCells(cells: [string, number][]): Promise<void> {
    this.cells = cells;
    if (cells.length) this.cellLayers ??= (await import("./layers/cells")).cellLayers;
    this.draw();
  }

  setRoute(route: RouteOnMap | null): void {
    this.route = route;
    this.draw();
  }

  setTheme(dark: boolean): void {
    this.palette = dark ? DARK : LIGHT;
    this.sheet = drawSprites(this.palette);
    this.restyle();
    this.draw();
  }

  setLang(lang: ApiLang): void {
    this.lang = lang;
    this.restyle();
  }

  showHome(padding: Insets): void {
    this.map.fitBounds(HOME, { padding, duration: this.pace(600) });
  }

  showRoute(padding: Insets): void {
    if (!this.route) return;
    const { line, pickup, drop } = this.route;
    const bounds = new LngLatBounds([pickup.lon, pickup.lat], [pickup.lon, pickup.lat]);
    bounds.extend([drop.lon, drop.lat]);
    for (const [lat, lon] of line) bounds.extend([lon, lat]);
    const wide = {
      top: padding.top + 40,
      right: padding.right + 40,
      bottom: padding.bottom + 40,
      left: padding.left + 40,
    };
    this.map.fitBounds(bounds, { padding: wide, maxZoom: 10, duration: this.pace(600) });
  }

  /** Brings a truck into the middle of the free part of the map. */
  goTo(truck: Truck, padding: Insets, zoom?: number): void {
    const target = { center: [truck[3], truck[2]] as [number, number], padding, duration: this.pace(500) };
    this.map.easeTo(zoom === undefined ? target : { ...target, zoom: Math.max(zoom, this.map.getZoom()) });
  }

  zoom(step: 1 | -1): void {
    this.map.easeTo({ zoom: this.map.getZoom() + step, duration: this.pace(250) });
  }

  private pace(milliseconds: number): number {
    return matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : milliseconds;
  }

  private draw(): void {
    const zoom = this.map.getZoom();
    const { palette, sheet } = this;
    const layers: Layer[] = [
      ...(this.cellLayers?.(this.cells, zoom, palette) ?? []),
      ...routeLayers(this.route?.line ?? [], palette),
    ];
    if (this.chosen) {
      layers.push(ringLayer(this.chosen[3], this.chosen[2], signSize(zoom) * 0.75 + 4, palette));
    }
    if (this.table?.length) {
      this.columns.fill(this.table, this.now);
      layers.push(truckLayer(this.table, this.columns, { id: "trucks", sheet, zoom }));
    }
    if (this.route) layers.push(endsLayer(this.route.pickup, this.route.drop, sheet));
    if (this.only) {
      this.onlyTable.replace([this.only]);
      this.onlyColumns.fill(this.onlyTable, this.now);
      layers.push(truckLayer(this.onlyTable, this.onlyColumns, { id: "order-truck", sheet, zoom, scale: 1.3 }));
    }
    this.overlay.setProps({ interleaved: false, layers });
  }

  private clicked(layer: string | null, index: number): void {
    if (layer === "order-truck") this.events.chosen(this.only?.[0] ?? null);
    else if (layer === "trucks" && this.table && index >= 0) this.events.chosen(this.table.row(index)[0]);
    else this.events.chosen(null);
  }

  private tellView(): void {
    const bounds = this.map.getBounds();
    const clamp = (degrees: number, limit: number): number => Math.max(-limit, Math.min(limit, degrees));
    this.events.view({
      west: clamp(bounds.getWest(), 180),
      south: clamp(bounds.getSouth(), 90),
      east: clamp(bounds.getEast(), 180),
      north: clamp(bounds.getNorth(), 90),
    });
  }

  /** Country outlines come as TopoJSON, where a shared border is one arc: half the bytes of GeoJSON. */
  private async outline(): Promise<void> {
    const world = (await (await fetch(worldUrl)).json()) as Topology<{ countries: GeometryCollection }>;
    const { countries } = world.objects;
    const shapes = feature(world, countries);
    for (const shape of shapes.features) shape.properties = { home: shape.id === HOME_COUNTRY };
    const source = (id: string): GeoJSONSource => this.map.getSource(id) as GeoJSONSource;
    source("countries").setData(shapes);
    source("borders").setData(mesh(world, countries, (one, other) => one !== other));
    this.outlined = true;
  }

  private restyle(): void {
    if (!this.map.isStyleLoaded()) {
      this.map.once("idle", () => this.restyle());
      return;
    }
    for (const layer of baseLayers(this.palette, this.lang)) {
      for (const [name, value] of Object.entries(layer.paint ?? {})) {
        this.map.setPaintProperty(layer.id, name as never, value as never);
      }
    }
    this.map.setLayoutProperty("town-names", "text-field", ["get", this.lang]);
  }
}
