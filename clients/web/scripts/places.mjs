// Turns the gazetteer into three small files: town labels in four languages and the straight lines of the road
// corridors for the base map, and the names of towns by id for orders. The CSV files are the single source; the output is not committed.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const source = resolve(process.argv[2] ?? process.env.DESK_GEO_DATA ?? resolve(here, "../../../geo/data"));
const target = resolve(here, "../src/generated");

/** Rows of a CSV file as objects. Neither file quotes its fields; a quote is refused rather than misread. */
function rows(file) {
  const text = readFileSync(resolve(source, file), "utf8").trim();
  if (text.includes('"')) throw new Error(`${file}: quoted fields are not expected`);
  const [head, ...lines] = text.split(/\r?\n/).map((line) => line.split(","));
  return lines.map((cells) => Object.fromEntries(head.map((name, column) => [name, cells[column]])));
}

/** The zoom from which a town is named: fewer, larger towns first; the home country a step earlier. */
function firstZoom(population, country) {
  const steps = [
    [1_000_000, 3],
    [300_000, 4],
    [100_000, 5],
    [40_000, 6],
    [15_000, 7],
    [0, 8],
  ];
  const zoom = steps.find(([least]) => population >= least)[1];
  return Math.max(3, country === "KZ" ? zoom - 0.5 : zoom + 0.5);
}

const round = (text) => Math.round(Number(text) * 1e4) / 1e4;
const cities = rows("cities-central-asia.csv");
const at = new Map(cities.map((city) => [city.geonameid, [round(city.lon), round(city.lat)]]));

const towns = cities.map((city) => ({
  type: "Feature",
  geometry: { type: "Point", coordinates: at.get(city.geonameid) },
  properties: {
    ru: city.name_ru || city.name_en,
    kk: city.name_kk || city.name_ru || city.name_en,
    en: city.name_en,
    zh: city.name_zh || city.name_en,
    population: Number(city.population),
    zoom: firstZoom(Number(city.population), city.country),
  },
}));

const lines = rows("road-corridors.csv").flatMap((road) => {
  const ends = [at.get(road.a_geonameid), at.get(road.b_geonameid)];
  return ends[0] && ends[1] ? [ends] : [];
});

mkdirSync(target, { recursive: true });
writeFileSync(resolve(target, "towns.json"), JSON.stringify({ type: "FeatureCollection", features: towns }));
writeFileSync(
  resolve(target, "names.json"),
  JSON.stringify(
    Object.fromEntries(
      cities.map((city, index) => {
        const { ru, kk, en, zh } = towns[index].properties;
        return [city.geonameid, [ru, kk, en, zh]];
      }),
    ),
  ),
);
writeFileSync(
  resolve(target, "corridors.json"),
  JSON.stringify({ type: "Feature", properties: {}, geometry: { type: "MultiLineString", coordinates: lines } }),
);
console.log(`base map: ${towns.length} towns, ${lines.length} corridors`);
