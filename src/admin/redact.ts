/** Blacks secrets out of what is shown, whoever forgot to. */
const SECRET_NAME = /token|secret|password|passwd|credential|api_?key|private_?key/i;
const BLACK = '[redacted]';

/**
 * A copy of `value` without the values of members whose names speak of secrets, of `{path, value}` entries whose
 * path does, or of any text that contains one of `secrets`.
 */
export function redact(value: unknown, secrets: readonly string[]): unknown {
  if (typeof value === 'string') return secrets.some(secret => value.includes(secret)) ? BLACK : value;
  if (Array.isArray(value)) return value.map(item => redact(item, secrets));
  if (typeof value !== 'object' || value === null) return value;
  const namesSecret = Object.entries(value).some(
    ([key, named]) => NAMING.has(key) && typeof named === 'string' && SECRET_NAME.test(named),
  );
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key,
      namesSecret && key === 'value' ? hide(member) : redactMember(key, member, secrets),
    ]),
  );
}

const NAMING = new Set(['key', 'path', 'name', 'option']);

function redactMember(key: string, member: unknown, secrets: readonly string[]): unknown {
  if (!SECRET_NAME.test(key)) return redact(member, secrets);
  if (typeof member !== 'object' || member === null) return hide(member);
  // `token: {value, origin}`: where a secret comes from is no secret.
  const { value, ...rest } = member as Record<string, unknown>;
  return value === undefined ? BLACK : { ...(redact(rest, secrets) as object), value: hide(value) };
}

function hide(value: unknown): unknown {
  return value === undefined || value === null || typeof value === 'boolean' ? value : BLACK;
}
