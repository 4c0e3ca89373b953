import { Notify } from "quasar";
import { ref } from "vue";

import { ApiError } from "../api/http";
import { i18n, spokenLang } from "../i18n";
import { Disconnected, Refused } from "../live/connection";

/** What screen readers are told: statuses when they are free, offers at once. */
export const spoken = { polite: ref(""), assertive: ref("") };

export function announce(text: string, urgency: "polite" | "assertive" = "polite"): void {
  spoken[urgency].value = text;
}

/**
 * The reader's sentence for any failure: the server's own when it is in his language (it knows more, and every
 * code), else ours for the code, which also speaks when nobody answered.
 */
export function sentenceFor(error: unknown): string {
  const { t, te } = i18n.global;
  const refused = error instanceof ApiError || error instanceof Refused;
  if (refused && error.message && error.lang === spokenLang()) return error.message;
  const code = refused ? error.code : error instanceof Disconnected ? "disconnected" : "internal";
  if (te(`error.${code}`) || te(`error.${code}`, "ru")) return t(`error.${code}`);
  return error instanceof Error && error.message ? error.message : t("error.internal");
}

export function complain(error: unknown): void {
  Notify.create({ message: sentenceFor(error), type: "negative", position: "top", timeout: 6000 });
}

export function praise(text: string): void {
  Notify.create({ message: text, type: "positive", position: "top", timeout: 4000 });
}
