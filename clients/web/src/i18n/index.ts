import { Quasar, type QuasarLanguage } from "quasar";
import { createI18n } from "vue-i18n";

import type { ApiLang } from "../api/desk";

import ru from "./ru.json";

export type Locale = "ru" | "kk" | "en" | "zh-CN";
export type Catalogue = typeof ru;

/** Each language by its own name, as its readers look for it. */
export const LOCALES: { locale: Locale; name: string; short: string }[] = [
  { locale: "ru", name: "Русский", short: "RU" },
  { locale: "kk", name: "Қазақша", short: "ҚАЗ" },
  { locale: "en", name: "English", short: "EN" },
  { locale: "zh-CN", name: "简体中文", short: "中文" },
];

const LOCALE_KEY = "desk.locale";
const catalogues: Record<Exclude<Locale, "ru">, () => Promise<{ default: Catalogue }>> = {
  kk: () => import("./kk.json"),
  en: () => import("./en.json"),
  "zh-CN": () => import("./zh-CN.json"),
};
const quasarPacks: Record<Locale, () => Promise<{ default: QuasarLanguage }>> = {
  ru: () => import("quasar/lang/ru"),
  kk: () => import("quasar/lang/kk"),
  en: () => import("quasar/lang/en-US"),
  "zh-CN": () => import("quasar/lang/zh-CN"),
};

/** Forms of a Russian plural: 0 = one (1, 21), 1 = few (2-4, 22), 2 = many (0, 5-20). */
export function russianPlural(count: number, choices: number): number {
  const form = ["one", "few", "many"].indexOf(new Intl.PluralRules("ru").select(count));
  return Math.min(form < 0 ? 1 : form, choices - 1);
}

export const i18n = createI18n({
  legacy: false,
  locale: "ru",
  fallbackLocale: "ru",
  messages: { ru } as Record<Locale, Catalogue>,
  pluralRules: { ru: russianPlural },
});

/** The stored choice, else the first language of the browser that we speak, else Russian. */
export function firstLocale(): Locale {
  const wanted = [localStorage.getItem(LOCALE_KEY) ?? "", ...navigator.languages];
  for (const tag of wanted) {
    const match = LOCALES.find(({ locale }) => locale === tag || locale.split("-")[0] === tag.split("-")[0]);
    if (match) return match.locale;
  }
  return "ru";
}

/** Loads a catalogue and makes it the language of the page, of Quasar's own texts and of screen readers. */
export async function useLocale(locale: Locale): Promise<void> {
  if (locale !== "ru" && !i18n.global.availableLocales.includes(locale)) {
    i18n.global.setLocaleMessage(locale, (await catalogues[locale]()).default);
  }
  Quasar.lang.set((await quasarPacks[locale]()).default);
  i18n.global.locale.value = locale;
  document.documentElement.lang = locale;
  localStorage.setItem(LOCALE_KEY, locale);
}

/** The reader's language of the moment, as the API names it. */
export function spokenLang(): ApiLang {
  return apiLang(i18n.global.locale.value as Locale);
}

/** The API names languages without a region. */
export function apiLang(locale: Locale): ApiLang {
  return locale === "zh-CN" ? "zh" : locale;
}
