import { Dark } from "quasar";
import { defineStore } from "pinia";
import { ref, watch } from "vue";

import { type Locale, firstLocale, useLocale } from "../i18n";

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
  }

  return { theme, locale, speak };
});
