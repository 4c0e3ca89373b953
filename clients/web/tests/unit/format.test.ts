// @vitest-environment happy-dom
import { describe, expect, test } from "vitest";
import { createI18n } from "vue-i18n";

import en from "../../src/i18n/en.json";
import kk from "../../src/i18n/kk.json";
import ru from "../../src/i18n/ru.json";
import zh from "../../src/i18n/zh-CN.json";
import { readNumber } from "../../src/features/order/useLoad";
import { compassPoint, formatsOf, type Formats } from "../../src/ui/format";
import { readPhone } from "../../src/ui/phone";

const plain = (text: string): string => text.replace(/[\u00a0\u202f]/g, " ");

function formats(locale: "ru" | "kk" | "en" | "zh-CN"): Formats {
  const i18n = createI18n({ legacy: false, locale, messages: { ru, kk, en, "zh-CN": zh } });
  return formatsOf(locale, (key, named) => i18n.global.t(key, named));
}

describe("values as people read them", () => {
  test("money leaves the wire in tiyn and is shown in tenge", () => {
    expect(plain(formats("ru").money({ amount: 64_675_000, currency: "KZT" }))).toBe("646 750 ₸");
    expect(formats("en").money({ amount: 64_675_050, currency: "KZT" })).toBe("₸646,750.5");
  });

  test("a currency without minor units keeps its amount", () => {
    expect(formats("en").money({ amount: 1500, currency: "JPY" })).toBe("¥1,500");
  });

  test("Kazakh units are Kazakh whatever the browser knows", () => {
    const f = formats("kk");
    expect(f.speed(20)).toBe("72 км/сағ");
    expect(f.span(3 * 3600)).toBe("3 сағ");
    expect(f.dateTime(new Date(2026, 10, 3, 9, 5).getTime() / 1000)).toBe("3 қар., 09:05");
  });

  test("an age is told in its largest unit and never runs negative", () => {
    const f = formats("ru");
    expect([-3, 59.9, 60, 7200, 200_000].map((age) => f.span(age))).toEqual(["0 с", "59 с", "1 мин", "2 ч", "2 д"]);
  });

  test("driving times carry over whole minutes and turn to days after two", () => {
    const f = formats("en");
    expect([3599, 71_520, 180_000].map((time) => f.duration(time))).toEqual(["1 h 0 min", "19 h 52 min", "2 d 2 h"]);
  });

  test("weights and distances are rounded for reading", () => {
    expect(formats("ru").tonnes(19_540)).toBe("19,5 т");
    expect(plain(formats("zh-CN").km(1_215_600))).toBe("1,216公里");
  });

  test("headings wrap around north", () => {
    expect([0, 22, 23, 180, 338, 360].map(compassPoint)).toEqual(["n", "n", "ne", "s", "n", "n"]);
  });
});

describe("a phone number as it is typed", () => {
  test.each([
    ["87011234567", "+77011234567"],
    ["77011234567", "+77011234567"],
    ["7011234567", "+77011234567"],
    ["+7 (701) 123-45-67", "+77011234567"],
    ["+7 916 123 45 67 89", "+79161234567"],
    ["+998 90 123 45 67", "+998901234567"],
    ["+8613812345678", "+8613812345678"],
  ])("%s is %s", (typed, e164) => {
    expect(readPhone(typed).e164).toBe(e164);
  });

  test("is grouped while it grows and is no number until it is whole", () => {
    expect(readPhone("+7 7011")).toEqual({ shown: "+7 701 1", e164: null });
    expect(readPhone("+77011234567").shown).toBe("+7 701 123 45 67");
    expect(readPhone("")).toEqual({ shown: "", e164: null });
  });
});

test("a decimal may have a comma or a point, and nothing else", () => {
  expect(["19,5", " 20 ", "0.5", "1e3", "-1", "abc", "", "1 500"].map(readNumber)).toEqual([19.5, 20, 0.5, null, null, null, null, 1500]);
});
