import { describe, expect, test } from "vitest";

import en from "../../src/i18n/en.json";
import kk from "../../src/i18n/kk.json";
import ru from "../../src/i18n/ru.json";
import zh from "../../src/i18n/zh-CN.json";
import { CLOSES, ERRORS } from "../../src/protocol/codes";

type Node = string | { [key: string]: Node };

function leaves(node: Node, path = ""): Map<string, string> {
  if (typeof node === "string") return new Map([[path, node]]);
  return new Map(Object.entries(node).flatMap(([key, inner]) => [...leaves(inner, path ? `${path}.${key}` : key)]));
}

const reference = leaves(ru);
const placeholders = (text: string): string[] => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort();
const others = { kk: leaves(kk), en: leaves(en), "zh-CN": leaves(zh) };
/** What is the same in every language: the product's name and abbreviations. */
const SHARED = new Set(["title", "unit.minute"]);

describe.each(Object.entries(others))("the %s catalogue", (locale, catalogue) => {
  test("has exactly the keys of the Russian one", () => {
    expect([...catalogue.keys()].sort()).toEqual([...reference.keys()].sort());
  });

  test("uses the same placeholders in every text", () => {
    for (const [key, text] of catalogue) {
      expect({ key, names: placeholders(text) }).toEqual({ key, names: placeholders(reference.get(key) ?? "") });
    }
  });

  test("has no empty text", () => {
    expect([...catalogue].filter(([, text]) => text.trim() === "")).toEqual([]);
  });

  test("is a translation, not a copy", () => {
    if (locale === "kk") return; // many words of the trade are the same in Kazakh and Russian
    const copied = [...catalogue].filter(([key, text]) => /[а-я]/i.test(text) && !SHARED.has(key));
    expect(copied).toEqual([]);
  });
});

test("Russian plurals have three forms, the others one or two", () => {
  for (const [key, text] of reference) {
    if (!text.includes("|")) continue;
    expect(text.split("|")).toHaveLength(3);
    expect(others.en.get(key)?.split("|")).toHaveLength(2);
    expect(others.kk.get(key)).not.toContain("|");
    expect(others["zh-CN"].get(key)).not.toContain("|");
  }
});

test("what the page must say without the server has a sentence, and no sentence is for a code that is gone", () => {
  const own = ["offline", "timeout", "disconnected"];
  for (const code of [...own, "internal", "unauthenticated", "unavailable"]) {
    expect(reference.has(`error.${code}`), code).toBe(true);
  }
  const known = [...Object.keys(ERRORS), ...own];
  const spoken = [...reference.keys()].filter((key) => key.startsWith("error.")).map((key) => key.slice("error.".length));
  expect(spoken.filter((code) => !known.includes(code))).toEqual([]);
});

test("every close code that ends the connection has words for the chip", () => {
  const final = Object.entries(CLOSES).filter(([, { reconnect }]) => !reconnect);
  expect(final.map(([code]) => code).sort()).toEqual(["4400", "4401", "4403", "4409", "4426"]);
});
