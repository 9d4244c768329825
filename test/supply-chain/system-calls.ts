/** What a process tree asked of the kernel, from strace's log: whom it called, where it listened, what it wrote. Pure. */

export interface Calls {
  /** `address:port` of every attempt over a network, connected or not; datagrams included. */
  readonly called: readonly string[];
  /** `address:port` of every socket bound to a network. */
  readonly bound: readonly string[];
  /** Files opened for writing or made. */
  readonly written: readonly string[];
}

const CALL = /^(?:\d+ +)?(\w+)\((.*)$/;
const INET =
  /sa_family=AF_INET6?, sin6?_port=htons\((\d+)\).*?(?:inet_addr\("([^"]*)"\)|inet_pton\(AF_INET6, "([^"]*)")/;
const PATH = /"((?:[^"\\]|\\.)*)"/;
const WRITING = /O_WRONLY|O_RDWR|O_CREAT/;

export const TRACED = [
  'connect',
  'bind',
  'sendto',
  'sendmsg',
  'sendmmsg',
  'openat',
  'creat',
  'mkdir',
  'mkdirat',
];

export function callsIn(log: string): Calls {
  const called: string[] = [];
  const bound: string[] = [];
  const written: string[] = [];
  for (const line of log.split('\n')) {
    const [, name = '', rest = ''] = CALL.exec(line) ?? [];
    const address = addressIn(rest);
    if (name === 'bind' && address !== undefined) bound.push(address);
    else if (address !== undefined && isTalking(name)) called.push(address);
    else if (isWriting(name, rest)) written.push(PATH.exec(rest)?.[1] ?? '');
  }
  return { called, bound, written };
}

function isTalking(name: string): boolean {
  return name === 'connect' || name.startsWith('send');
}

function isWriting(name: string, rest: string): boolean {
  return (name === 'openat' && WRITING.test(rest)) || name === 'creat' || name.startsWith('mkdir');
}

/** Undefined for anything but IPv4 and IPv6: a socket file, a kernel's. */
function addressIn(rest: string): string | undefined {
  const [, port, v4, v6] = INET.exec(rest) ?? [];
  return port === undefined ? undefined : `${v4 ?? v6}:${port}`;
}
