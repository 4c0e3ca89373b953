import { computed, onScopeDispose, ref, shallowRef, watch } from "vue";

import type { Body, CityView, OrderForm, OrderState, Quote, QuoteForm } from "../../protocol/messages";
import { useSession } from "../../stores/session";

const QUOTE_MS = 350;

export const BODIES: Body[] = ["tent", "reefer", "isotherm", "flatbed", "container", "tipper", "tank", "lowboy", "van"];

/** A decimal as people type it, with a point or a comma; null when it is not one. */
export function readNumber(typed: string): number | null {
  const text = typed.trim().replace(/[\s\u00a0]/g, "").replace(",", ".");
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : null;
}

/** The load being written: its fields, what is wrong with them, its quote, and the posting of it. */
export function useLoad() {
  const { api } = useSession();
  const pickup = shallowRef<CityView | null>(null);
  const drop = shallowRef<CityView | null>(null);
  const cargo = ref("");
  const weight = ref("20"); // tonnes, as typed
  const volume = ref("");
  const body = ref<Body>("tent");
  const price = ref(""); // tenge, as typed
  const quote = shallowRef<Quote | null>(null);
  const quoting = ref(false);
  const quoteFailure = shallowRef<unknown>(null);

  const weightKg = computed(() => {
    const tonnes = readNumber(weight.value);
    return tonnes !== null && tonnes > 0 && tonnes <= 100 ? Math.round(tonnes * 1000) : null;
  });
  const volumeM3 = computed(() => {
    if (volume.value.trim() === "") return 0;
    const cubic = readNumber(volume.value);
    return cubic !== null && cubic <= 500 ? cubic : null;
  });
  const priceMinor = computed(() => {
    if (price.value.trim() === "") return undefined;
    const tenge = readNumber(price.value);
    return tenge !== null && Number.isInteger(tenge) && tenge >= 1 && tenge <= 1e10 ? tenge * 100 : null;
  });
  const sameCity = computed(() => pickup.value !== null && pickup.value.city === drop.value?.city);

  const quoteForm = computed<QuoteForm | null>(() => {
    if (!pickup.value || !drop.value || sameCity.value || weightKg.value === null || volumeM3.value === null) return null;
    return {
      pickup_city: pickup.value.city,
      drop_city: drop.value.city,
      weight_kg: weightKg.value,
      volume_m3: volumeM3.value,
      body: body.value,
    };
  });
  const complete = computed(() => quoteForm.value !== null && cargo.value.trim() !== "" && priceMinor.value !== null);

  let timer: ReturnType<typeof setTimeout> | undefined;
  let round = 0;
  watch(quoteForm, (form) => {
    clearTimeout(timer);
    round++;
    quoteFailure.value = null;
    if (!form) {
      quote.value = null;
      quoting.value = false;
      return;
    }
    quoting.value = true;
    timer = setTimeout(() => void ask(form, round), QUOTE_MS);
  });
  onScopeDispose(() => {
    clearTimeout(timer);
    round++;
  });

  async function ask(form: QuoteForm, asked: number): Promise<void> {
    try {
      const answer = await api.quote(form);
      if (asked === round) quote.value = answer;
    } catch (error) {
      if (asked !== round) return;
      quote.value = null;
      quoteFailure.value = error;
    } finally {
      if (asked === round) quoting.value = false;
    }
  }

  // The key belongs to the contents: the same load tried again keeps it, a changed load is another request.
  let key = "";
  let keyFor = "";

  async function post(): Promise<OrderState> {
    if (!quoteForm.value || priceMinor.value === null) throw new TypeError("the load is not complete");
    const { pickup_city, drop_city, weight_kg, volume_m3 = 0, body: kind = "tent" } = quoteForm.value;
    const form: OrderForm = {
      pickup_city: pickup_city ?? null,
      drop_city: drop_city ?? null,
      weight_kg,
      volume_m3,
      body: kind,
      cargo: cargo.value.trim(),
      ...(priceMinor.value !== undefined && { price: priceMinor.value }),
    };
    const contents = JSON.stringify(form);
    if (contents !== keyFor) {
      key = crypto.randomUUID();
      keyFor = contents;
    }
    return api.place(form, key);
  }

  function swap(): void {
    [pickup.value, drop.value] = [drop.value, pickup.value];
  }

  return {
    pickup, drop, cargo, weight, volume, body, price, quote, quoting, quoteFailure,
    weightKg, volumeM3, priceMinor, sameCity, complete, post, swap,
  };
}
