import { computed } from "vue";
import { useI18n } from "vue-i18n";

import type { Money } from "../protocol/messages";

const COMPASS = ["n", "ne", "e", "se", "s", "sw", "w", "nw"] as const;
export type CompassPoint = (typeof COMPASS)[number];

/** The nearest of eight directions to a heading in degrees clockwise from north. */
export function compassPoint(degrees: number): CompassPoint {
  return COMPASS[Math.round(degrees / 45) % 8] ?? "n";
}

export interface Formats {
  money(money: Money): string;
  km(metres: number): string;
  /** A driving time: hours and minutes, days from 48 hours on. */
  duration(seconds: number): string;
  /** An age or a countdown in its largest unit. */
  span(seconds: number): string;
  speed(metresPerSecond: number): string;
  tonnes(kilograms: number): string;
  cubic(metres: number): string;
  count(number: number): string;
  dateTime(seconds: number): string;
}

/** Values of the wire (SI units, minor units of money) as a reader of `locale` writes them. */
export function formatsOf(locale: string): Formats {
  const unit = (name: string, digits = 0): Intl.NumberFormat =>
    new Intl.NumberFormat(locale, { style: "unit", unit: name, unitDisplay: "short", maximumFractionDigits: digits });
  const [second, minute, hour, day] = [unit("second"), unit("minute"), unit("hour"), unit("day")];
  const kilometre = unit("kilometer");
  const perHour = unit("kilometer-per-hour");
  const plain = new Intl.NumberFormat(locale);
  const mass = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
  const when = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
  const tonne = { ru: "т", kk: "т", en: "t", "zh-CN": "吨" }[locale] ?? "t";
  const currencies = new Map<string, { format: Intl.NumberFormat; minor: number }>();

  function currency(code: string): { format: Intl.NumberFormat; minor: number } {
    let known = currencies.get(code);
    if (!known) {
      const style = { style: "currency", currency: code, currencyDisplay: "narrowSymbol" } as const;
      const digits = new Intl.NumberFormat(locale, style).resolvedOptions().maximumFractionDigits ?? 2;
      const format = new Intl.NumberFormat(locale, { ...style, minimumFractionDigits: 0, maximumFractionDigits: digits });
      known = { format, minor: 10 ** digits };
      currencies.set(code, known);
    }
    return known;
  }

  return {
    money: ({ amount, currency: code }) => currency(code).format.format(amount / currency(code).minor),
    km: (metres) => kilometre.format(metres / 1000),
    duration: (seconds) => {
      const minutes = Math.round(seconds / 60);
      const hours = Math.floor(minutes / 60);
      if (hours >= 48) return `${day.format(Math.floor(hours / 24))} ${hour.format(hours % 24)}`;
      return hours ? `${hour.format(hours)} ${minute.format(minutes % 60)}` : minute.format(minutes);
    },
    span: (seconds) => {
      const whole = Math.max(0, Math.floor(seconds));
      if (whole < 60) return second.format(whole);
      if (whole < 3600) return minute.format(Math.floor(whole / 60));
      if (whole < 86_400) return hour.format(Math.floor(whole / 3600));
      return day.format(Math.floor(whole / 86_400));
    },
    speed: (mps) => perHour.format(mps * 3.6),
    tonnes: (kg) => `${mass.format(kg / 1000)} ${tonne}`,
    cubic: (metres) => `${mass.format(metres)} ${locale === "en" || locale === "zh-CN" ? "m³" : "м³"}`,
    count: (number) => plain.format(number),
    dateTime: (seconds) => when.format(seconds * 1000),
  };
}

/** The formats of the page's language, following its changes. */
export function useFormats(): { f: { readonly value: Formats } } {
  const { locale } = useI18n();
  return { f: computed(() => formatsOf(locale.value)) };
}
