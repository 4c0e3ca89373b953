import { computed, type ComputedRef } from "vue";
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

type Translate = (key: string, named: Record<string, string | number>) => string;

/**
 * Values of the wire (SI units, minor units of money) as a reader of `locale` writes them. Units and months come
 * from our catalogues: Chromium ships no Kazakh of its own and would answer in English. Kazakh numbers are
 * written as Russian ones.
 */
export function formatsOf(locale: string, t: Translate): Formats {
  const numbers = locale === "kk" ? "ru" : locale;
  const whole = new Intl.NumberFormat(numbers, { maximumFractionDigits: 0 });
  const tenths = new Intl.NumberFormat(numbers, { maximumFractionDigits: 1 });
  const unit = (name: string, value: number, format = whole): string => t(`unit.${name}`, { n: format.format(value) });
  const currencies = new Map<string, { format: Intl.NumberFormat; minor: number }>();

  function currency(code: string): { format: Intl.NumberFormat; minor: number } {
    let known = currencies.get(code);
    if (!known) {
      const style = { style: "currency", currency: code, currencyDisplay: "narrowSymbol" } as const;
      const digits = new Intl.NumberFormat(numbers, style).resolvedOptions().maximumFractionDigits ?? 2;
      known = {
        format: new Intl.NumberFormat(numbers, { ...style, minimumFractionDigits: 0, maximumFractionDigits: digits }),
        minor: 10 ** digits,
      };
      currencies.set(code, known);
    }
    return known;
  }

  return {
    money: ({ amount, currency: code }) => currency(code).format.format(amount / currency(code).minor),
    km: (metres) => unit("kilometre", metres / 1000),
    duration: (seconds) => {
      const minutes = Math.round(seconds / 60);
      const hours = Math.floor(minutes / 60);
      if (hours >= 48) return `${unit("day", Math.floor(hours / 24))} ${unit("hour", hours % 24)}`;
      return hours ? `${unit("hour", hours)} ${unit("minute", minutes % 60)}` : unit("minute", minutes);
    },
    span: (seconds) => {
      const left = Math.max(0, Math.floor(seconds));
      if (left < 60) return unit("second", left);
      if (left < 3600) return unit("minute", Math.floor(left / 60));
      if (left < 86_400) return unit("hour", Math.floor(left / 3600));
      return unit("day", Math.floor(left / 86_400));
    },
    speed: (mps) => unit("speed", mps * 3.6),
    tonnes: (kg) => unit("tonne", kg / 1000, tenths),
    cubic: (metres) => unit("cubic", metres, tenths),
    count: (number) => whole.format(number),
    dateTime: (seconds) => {
      const at = new Date(seconds * 1000);
      const two = (value: number): string => String(value).padStart(2, "0");
      return t("date", {
        day: at.getDate(),
        month: t(`month.${at.getMonth() + 1}`, {}),
        time: `${two(at.getHours())}:${two(at.getMinutes())}`,
      });
    },
  };
}

/** The formats of the page's language, following its changes. */
export function useFormats(): { f: ComputedRef<Formats> } {
  const { locale, t } = useI18n();
  return { f: computed(() => formatsOf(locale.value, (key, named) => t(key, named))) };
}
