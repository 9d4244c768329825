/** A server elsewhere that runs a version, as it is configured. */
export interface RemoteSpec {
  /** Without a path. */
  readonly url: string;
  /** Batches it may have at once. */
  readonly concurrency: number;
  /** Names the content it serves; absent: nobody knows. */
  readonly contentId?: string | undefined;
  /** Its name there; absent: the same. */
  readonly model?: string | undefined;
  /** Absent: the one that answers there by default. */
  readonly version?: string | undefined;
  /** Whether it is sent binary tensors, whatever it announces; absent: as it announces. */
  readonly binary?: boolean | undefined;
  /** Variable that holds the bearer token. */
  readonly tokenEnv?: string | undefined;
  readonly tls?: RemoteTls | undefined;
}

/** Paths of PEM files. The server's certificate is always verified. */
export interface RemoteTls {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly serverName?: string | undefined;
}

/** The url as operators and logs may see it: without name and password. */
export function shownUrl(url: string): string {
  const { protocol, host } = new URL(url);
  return `${protocol}//${host}`;
}
