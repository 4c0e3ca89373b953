import type {
  Cities,
  FactorAsked,
  OfferCard,
  Offers,
  OrderDetail,
  OrderForm,
  OrderPage,
  OrderState,
  OtpAsked,
  Profile,
  Quote,
  QuoteForm,
  SettingsView,
  SignedIn,
  Ticket,
} from "../protocol/messages";

import type { Http } from "./http";

export type ApiLang = "ru" | "kk" | "en" | "zh";

/** The calls that the page makes, by the name of what they do. */
export class DeskApi {
  constructor(private readonly http: Http) {}

  askCode(phone: string, role: "driver" | "shipper"): Promise<OtpAsked> {
    return this.http.post("/api/v1/auth/otp", { body: { phone, role }, open: true });
  }

  verify(request: string, code: string, referral: string | null): Promise<SignedIn | FactorAsked> {
    const brought = referral === null ? {} : { referral };
    return this.http.post("/api/v1/auth/verify", { body: { request, code, ...brought }, open: true });
  }

  showFactor(challenge: string, code: string): Promise<SignedIn> {
    return this.http.post("/api/v1/auth/second-factor", { body: { challenge, code }, open: true });
  }

  refresh(): Promise<SignedIn> {
    return this.http.post("/api/v1/auth/refresh", { body: {}, open: true });
  }

  signOut(): Promise<void> {
    return this.http.post("/api/v1/auth/sign-out");
  }

  me(): Promise<Profile> {
    return this.http.get("/api/v1/me");
  }

  /** The language of the profile: of what is said when no page is open. */
  async keepLanguage(locale: ApiLang): Promise<void> {
    const held = await this.http.get<SettingsView>("/api/v1/me/settings");
    if (held.locale === locale) return;
    await this.http.patch("/api/v1/me/settings", { body: { locale }, headers: { "If-Match": `"${held.version}"` } });
  }

  ticket(): Promise<Ticket> {
    return this.http.post("/api/v1/ws-ticket", { body: {} });
  }

  cities(q: string, lang: ApiLang, signal?: AbortSignal): Promise<Cities> {
    return this.http.get("/api/v1/cities", { query: { q, lang, limit: 8 }, ...(signal && { signal }) });
  }

  quote(form: QuoteForm): Promise<Quote> {
    return this.http.post("/api/v1/quotes", { body: form });
  }

  /** The same key again gets the same order, so a retry after a lost answer posts nothing twice. */
  place(form: OrderForm, idempotencyKey: string): Promise<OrderState> {
    return this.http.post("/api/v1/orders", { body: form, headers: { "Idempotency-Key": idempotencyKey } });
  }

  orders(before?: number, limit = 50): Promise<OrderPage> {
    return this.http.get("/api/v1/orders", { query: { before, limit } });
  }

  order(order: number): Promise<OrderDetail> {
    return this.http.get(`/api/v1/orders/${order}`);
  }

  cancel(order: number, reason: string): Promise<OrderState> {
    return this.http.post(`/api/v1/orders/${order}/cancel`, { body: { reason } });
  }

  async offers(): Promise<OfferCard[]> {
    return (await this.http.get<Offers>("/api/v1/offers")).offers;
  }
}
