// Whether a request means this server: no page elsewhere can reach it under a name of its own (DNS rebinding).

import { isIP } from 'node:net';

/**
 * Whether the header Host, which says how the server was called, is one of its `names`, an address, or a name that is always this
 * machine. A page elsewhere can give its own name the address of this machine, and is then of the same origin; but the
 * header says that name.
 */
export function isOwnHost(host: string, names: Iterable<string>): boolean {
  const name = hostName(host);
  return [...names].includes(name) || name.endsWith('.localhost') || isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0;
}

/** Without the port, in lower case. */
export function hostName(host: string): string {
  return host.replace(/:\d*$/, '').toLowerCase();
}
