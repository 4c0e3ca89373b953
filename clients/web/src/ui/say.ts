import { Notify } from "quasar";
import { ref } from "vue";

import { ApiError } from "../api/http";
import { i18n } from "../i18n";
import { Disconnected, Refused } from "../live/connection";

/** What screen readers are told: statuses when they are free, offers at once. */
export const spoken = { polite: ref(""), assertive: ref("") };

export function announce(text: string, urgency: "polite" | "assertive" = "polite"): void {
  spoken[urgency].value = text;
}

/** The reader's sentence for any failure: by its code, or the server's own words for a code we do not know. */
export function sentenceFor(error: unknown): string {
  const { t, te } = i18n.global;
  const code =
    error instanceof ApiError || error instanceof Refused ? error.code : error instanceof Disconnected ? "disconnected" : "internal";
  if (te(`error.${code}`) || te(`error.${code}`, "ru")) return t(`error.${code}`);
  return error instanceof Error && error.message ? error.message : t("error.internal");
}

export function complain(error: unknown): void {
  Notify.create({ message: sentenceFor(error), type: "negative", position: "top", timeout: 6000 });
}

export function praise(text: string): void {
  Notify.create({ message: text, type: "positive", position: "top", timeout: 4000 });
}
