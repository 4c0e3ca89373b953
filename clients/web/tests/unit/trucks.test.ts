import { describe, expect, test } from "vitest";

import { ageOf, TruckTable } from "../../src/live/trucks";

import { truck } from "./scripted";

describe("the table of trucks", () => {
  test("keeps the newest position of each driver and never moves one back in time", () => {
    const table = new TruckTable();
    table.put(truck(1, 100, 43));
    table.put(truck(1, 90, 44));
    expect(table.get(1)?.[2]).toBeCloseTo(43, 5);
    table.put(truck(1, 110, 45));
    expect(table.get(1)?.[2]).toBeCloseTo(45, 5);
    expect(table.length).toBe(1);
  });

  test("stays whole through thousands of arrivals and leaves", () => {
    const table = new TruckTable();
    for (let driver = 1; driver <= 5_000; driver++) table.put(truck(driver, driver, 40, driver / 100));
    for (let driver = 1; driver <= 5_000; driver += 2) table.remove(driver);
    table.remove(99_999);
    expect(table.length).toBe(2_500);
    for (let driver = 2; driver <= 5_000; driver += 2) {
      const seen = table.get(driver);
      expect(seen?.[0]).toBe(driver);
      expect(seen?.[1]).toBe(driver);
      expect(seen?.[3]).toBeCloseTo(driver / 100, 4);
      expect(table.get(driver - 1)).toBeNull();
    }
  });

  test("a snapshot replaces everything, even with older positions", () => {
    const table = new TruckTable();
    table.put(truck(1, 100));
    table.put(truck(2, 100));
    table.replace([truck(1, 50)]);
    expect(table.has(2)).toBe(false);
    expect(table.get(1)?.[1]).toBe(50);
  });

  test("unknown speed and heading stay unknown", () => {
    const table = new TruckTable();
    table.put([1, 0, 43, 76, null, null, true]);
    expect(table.get(1)?.slice(4)).toEqual([null, null, true]);
  });

  test("the census counts each truck once by age", () => {
    const table = new TruckTable();
    table.replace([truck(1, 100), truck(2, 71), truck(3, 70), truck(4, -200, 43, 76, true)]);
    expect(table.census(100)).toEqual({ total: 4, fresh: 2, ageing: 1, stale: 1, busy: 1 });
  });

  test("the census of a view leaves out what lies beyond it", () => {
    const table = new TruckTable();
    table.replace([truck(1, 100, 43, 76), truck(2, 100, 51, 71), truck(3, 100, 43, 90)]);
    expect(table.census(100, { west: 75, south: 42, east: 78, north: 45 }).total).toBe(1);
  });

  test("ages turn at thirty seconds and at five minutes", () => {
    expect([0, 29.9, 30, 299.9, 300].map(ageOf)).toEqual(["fresh", "fresh", "ageing", "ageing", "stale"]);
  });
});
