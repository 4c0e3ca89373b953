import { shallowRef } from "vue";
import { useI18n } from "vue-i18n";
import namesUrl from "../generated/names.json?url";
import type { Place } from "../protocol/messages";

const ORDER = ["ru", "kk", "en", "zh"];
const names = shallowRef<Record<string, string[]>>({});
let asked: Promise<void> | undefined;

async function load(): Promise<void> {
  const answer = await fetch(namesUrl);
  if (answer.ok) names.value = (await answer.json()) as Record<string, string[]>;
}

/**
 * Names of towns in the reader's language. An order carries the name it was posted with and the gazetteer's id;
 * until the names are here, or for a place that is not a town of ours, that name is shown.
 */
export function usePlaceName(): (place: Place) => string {
  const { locale } = useI18n();
  asked ??= load().catch(() => {
    asked = undefined; // tried again by the next card
  });
  return (place) => names.value[place.city]?.[ORDER.indexOf(locale.value.slice(0, 2))] ?? place.name;
}
