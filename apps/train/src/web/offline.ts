// Keeps the page's files, so that it opens without a network too. With one, files come from there, and are the newest.

/** What is used of a service worker's events; the rest of this folder is typed as a page. */
interface OfflineEvent extends Event {
  waitUntil(work: Promise<unknown>): void;
  respondWith(response: Promise<Response>): void;
  readonly request: Request;
}

// The export puts names and a number for this version of them in place of these.
const files: readonly string[] = JSON.parse('["FILES"]');
const version = 'VERSION';

const scope = new URL('./', location.href).href;
const prefix = `bn ${scope} `;

function on(type: string, handle: (event: OfflineEvent) => void): void {
  addEventListener(type, (event) => handle(event as OfflineEvent));
}

on('install', (event) => {
  const keep = async () => {
    const cache = await caches.open(prefix + version);
    await cache.addAll(['./', ...files].map((file) => new Request(file, { cache: 'no-cache' })));
  };
  event.waitUntil(keep());
});

on('activate', (event) => {
  const forget = async () => {
    const old = (await caches.keys()).filter((key) => key.startsWith(prefix) && key !== prefix + version);
    await Promise.all(old.map((key) => caches.delete(key)));
  };
  event.waitUntil(forget());
});

on('fetch', (event) => {
  const { url, method } = event.request;
  if (method !== 'GET' || !url.startsWith(scope)) return;
  const answer = async () => {
    try {
      return await fetch(url, { cache: 'no-cache' });
    } catch (error) {
      const kept = await (await caches.open(prefix + version)).match(url, { ignoreSearch: true });
      if (kept) return kept;
      throw error;
    }
  };
  event.respondWith(answer());
});
