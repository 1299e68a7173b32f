// A participant in a process of its own: a backend of ours, or a peer in JavaScript.

import { type Contestant, converse } from './contestant.js';
import type { Settings } from './exchange.js';
import { peersInJavaScript } from './peers.js';

const settings = JSON.parse(process.argv.at(-1)!) as Settings;
const load = peersInJavaScript[settings.variant] ?? (() => import('./ours.js'));
const { create } = (await load()) as { create(settings: Settings): Promise<Contestant> };
await converse(await create(settings));
