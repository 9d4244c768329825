/** One route of the operator's plane. */
export interface AdminCall {
  /** The model in the path; '' where the path has none. */
  readonly model: string;
  /** The version in the path; '' where the path has none. */
  readonly version: string;
  /** The request's JSON object; empty when there was no body. */
  readonly body: Readonly<Record<string, unknown>>;
}

export interface AdminAnswer {
  readonly contentType: string;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface AdminRoute {
  readonly method: 'GET' | 'POST';
  /** With parameters in braces, as OpenAPI has them. */
  readonly path: string;
  readonly summary: string;
  /** Name of the request body's schema in `openapi.ts`; absent: no body is read. */
  readonly request?: string;
  /** Name of the answer's schema, or the content type of an answer that is no JSON; absent: an empty answer. */
  readonly answer?: string;
  /** Undefined answers 200 with an empty body; what it throws is the error answer. */
  readonly respond: (call: AdminCall) => AdminAnswer | undefined | Promise<AdminAnswer | undefined>;
}

export function json(value: unknown): AdminAnswer {
  return { contentType: 'application/json', text: JSON.stringify(value) };
}
