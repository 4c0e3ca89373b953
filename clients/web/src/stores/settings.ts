import { Dark } from "quasar";
import { defineStore } from "pinia";
import { ref, watch } from "vue";

import { type Locale, apiLang, firstLocale, useLocale } from "../i18n";

import { useSession } from "./session";

export type Theme = "auto" | "light" | "dark";
const THEME_KEY = "desk.theme";

/** Language and theme: the reader's choices, kept in this browser. */
export const useSettings = defineStore("settings", () => {
  const stored = localStorage.getItem(THEME_KEY);
  const theme = ref<Theme>(stored === "light" || stored === "dark" ? stored : "auto");
  const locale = ref<Locale>(firstLocale());

  watch(
    theme,
    (chosen) => {
      Dark.set(chosen === "auto" ? "auto" : chosen === "dark");
      localStorage.setItem(THEME_KEY, chosen);
    },
    { immediate: true },
  );

  async function speak(chosen: Locale): Promise<void> {
    await useLocale(chosen);
    locale.value = chosen;
    const session = useSession();
    // The page goes on in the chosen language whether or not the profile could be told.
    if (session.phase === "in") await session.api.keepLanguage(apiLang(chosen)).catch(() => undefined);
  }

  return { theme, locale, speak };
});
