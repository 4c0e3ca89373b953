import type { Problem } from "../protocol/messages";

const ANSWER_MS = 15_000;

/** The server's refusal (RFC 9457), or `offline` when there was no answer at all. */
export class ApiError extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
    /** The server's sentences, or our own English when nobody answered. */
    message: string,
    readonly retry: boolean,
    readonly path: string | null = null,
    /** The language of the message; null when it is nobody's translation. */
    readonly lang: string | null = null,
  ) {
    super(message);
  }
}

export interface Auth {
  /** The access token, if any. It lives in memory only. */
  token(): string | null;
  /** Renews it by the refresh cookie; false when the session has ended. */
  renew(): Promise<boolean>;
}

export interface Call {
  body?: unknown;
  query?: Record<string, string | number | undefined>;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** Public calls carry no token and never renew one. */
  open?: boolean;
}

export class Http {
  /** `lang`: the reader's language of the moment, which the server's sentences shall be in. */
  constructor(
    private readonly auth: Auth,
    private readonly lang: () => string = () => "ru",
  ) {}

  get<T>(path: string, call: Call = {}): Promise<T> {
    return this.send<T>("GET", path, call);
  }

  post<T>(path: string, call: Call = {}): Promise<T> {
    return this.send<T>("POST", path, call);
  }

  put<T>(path: string, call: Call = {}): Promise<T> {
    return this.send<T>("PUT", path, call);
  }

  patch<T>(path: string, call: Call = {}): Promise<T> {
    return this.send<T>("PATCH", path, call);
  }

  private async send<T>(method: string, path: string, call: Call): Promise<T> {
    let response = await this.once(method, path, call);
    if (response.status === 401 && !call.open && (await this.auth.renew())) {
      response = await this.once(method, path, call);
    }
    if (!response.ok) throw await refusal(response);
    return (response.status === 204 ? undefined : await response.json()) as T;
  }

  private async once(method: string, path: string, call: Call): Promise<Response> {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(call.query ?? {})) {
      if (value !== undefined) query.set(name, String(value));
    }
    const headers: Record<string, string> = {
      "X-Desk-Client": "web",
      "Accept-Language": this.lang(),
      ...call.headers,
    };
    const token = call.open ? null : this.auth.token();
    if (token) headers["Authorization"] = `Bearer ${token}`;
    const request: RequestInit = { method, headers, credentials: "same-origin" };
    if (call.body !== undefined) {
      headers["Content-Type"] = "application/json";
      request.body = JSON.stringify(call.body);
    }
    const limit = AbortSignal.timeout(ANSWER_MS);
    request.signal = call.signal ? AbortSignal.any([call.signal, limit]) : limit;
    try {
      return await fetch(query.size ? `${path}?${query}` : path, request);
    } catch (error) {
      if (call.signal?.aborted) throw error;
      throw new ApiError("offline", 0, "no answer from the server", true);
    }
  }
}

/** The title says what is wrong, the detail what only this case knows; often they are one. */
function sentences({ title = "", detail = "" }: Partial<Problem>): string {
  if (!title || !detail || title === detail) return detail || title;
  const more = detail.charAt(0).toLocaleUpperCase() + detail.slice(1);
  return title.endsWith("。") ? `${title}${more}` : `${title} ${more}`;
}

async function refusal(response: Response): Promise<ApiError> {
  try {
    const problem = (await response.json()) as Partial<Problem>;
    return new ApiError(
      problem.code ?? "internal",
      response.status,
      sentences(problem) || response.statusText,
      problem.retry ?? response.status >= 500,
      problem.path ?? null,
      response.headers.get("Content-Language"),
    );
  } catch {
    return new ApiError("internal", response.status, response.statusText, response.status >= 500);
  }
}
