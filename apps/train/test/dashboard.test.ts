// The dashboard's server: whom it answers, which runs it shows, and that it follows their files.

import { mkdirSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createDashboardServer } from '../src/dashboard/server.js';
import type { EpochRecord } from '../src/run-record.js';
import { smallFolder, train } from './small-run.js';

const epoch = (number: number): EpochRecord => ({
  ...{ epoch: number, loss: 0.5, metrics: { accuracy: 0.75 }, test: { loss: 0.4, metrics: { accuracy: 0.7 } } },
  ...{ learningRate: 1, examplesPerSecond: 1000, seconds: 2, examples: 2000, batchNorm: {} },
});

async function serve() {
  const runs = join(smallFolder(), 'runs');
  const write = (name: string, epochs: number) => {
    mkdirSync(join(runs, name), { recursive: true });
    writeFileSync(join(runs, name, 'config.json'), '{"model":"net.ts"}');
    const lines = Array.from({ length: epochs }, (_, i) => `${JSON.stringify(epoch(i + 1))}\n`);
    writeFileSync(join(runs, name, 'metrics.jsonl'), lines.join(''));
  };
  write('new', 0);
  write('old', 3);
  mkdirSync(join(runs, 'no-run'));
  const { server, ...dashboard } = createDashboardServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => dashboard.close(''));
  const { port } = server.address() as AddressInfo;
  const ask = (path: string, options: { host?: string; method?: string } = {}) =>
    new Promise<{ status: number; text: string; policy: unknown }>((resolve, reject) => {
      const { host = `localhost:${port}`, method = 'GET' } = options;
      get({ port, path, method, headers: { host } }, (response) => {
        let text = '';
        response.on('data', (part) => {
          text += part;
        });
        const policy = response.headers['cross-origin-resource-policy'];
        response.on('end', () => resolve({ status: response.statusCode!, text, policy }));
      }).on('error', reject);
    });
  /** The events of a stream as they come. */
  const follow = (path: string) => {
    const events: { name: string; data: string }[] = [];
    get({ port, path }, (response) => {
      let text = '';
      response.on('data', (part) => {
        text += part;
        for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
          const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(text.slice(0, end))!;
          events.push({ name: name!, data: JSON.parse(data!) });
          text = text.slice(end + 2);
        }
      });
    });
    return events;
  };
  return { runs, write, dashboard, ask, follow };
}

describe('the dashboard', () => {
  it('answers only to the names of this machine, and only what it has', async () => {
    const { runs, dashboard, ask } = await serve();
    expect(await ask('/')).toMatchObject({ status: 503 });
    dashboard.show(join(runs, 'new'));
    for (const host of ['localhost', '127.0.0.1:80', '[::1]:8090', 'a.localhost']) {
      expect(await ask('/', { host })).toMatchObject({ status: 200, policy: 'same-origin' });
    }
    for (const host of ['evil.example', 'localhost.evil.example:8090']) {
      expect(await ask('/', { host })).toMatchObject({ status: 421, text: expect.not.stringContaining('<') });
    }
    expect(await ask('/', { method: 'POST' })).toMatchObject({ status: 405 });
    expect(await ask('/config.json')).toMatchObject({ status: 404 });
  });

  it('offers the runs beside the one that trains', async () => {
    const { runs, dashboard, ask } = await serve();
    dashboard.show(join(runs, 'new'));
    const { text } = await ask('/');
    expect([...text.matchAll(/value="([^"]*)"/g)].map(([, name]) => name)).toEqual(['old', 'new']);
    expect(text).toContain('new (training)');
    expect(text).toMatch(/script-src 'sha256-[^']*'; connect-src 'self'/);
  });

  it('sends charts when a run has new epochs, the progress, and the end', async () => {
    const { runs, write, dashboard, follow } = await serve();
    dashboard.show(join(runs, 'new'));
    const events = follow('/events');
    await expect
      .poll(() => events)
      .toEqual([{ name: 'charts', data: expect.stringContaining('with the first epoch') }]);
    dashboard.progress('epoch 1 of 3');
    write('new', 1);
    const title = 'Loss by epoch: training and test';
    await expect.poll(() => events.at(-1)?.data, { timeout: 10_000 }).toContain(title);
    expect(events[1]).toEqual({ name: 'progress', data: 'epoch 1 of 3' });
    await dashboard.close('done');
    await expect.poll(() => events.at(-1)).toEqual({ name: 'end', data: 'done' });
  });

  it('puts several runs beside each other, and knows no others', async () => {
    const { runs, write, dashboard, follow } = await serve();
    write('new', 2);
    dashboard.show(join(runs, 'new'));
    const both = follow('/events?run=old&run=new');
    await expect.poll(() => both[0]?.data, { timeout: 10_000 }).toContain('training and test of old, new');
    const elsewhere = follow('/events?run=..%2Fdata&run=no-run');
    await expect.poll(() => elsewhere[0]?.data).toContain('with the first epoch');
  });
});

it('a port that is not one is a mistake', async () => {
  expect(await train(smallFolder(), ['--dashboard', '70000'])).toMatchObject({
    code: 2,
    stderr: "error: --dashboard: expected a whole number from 0 to 65535, got '70000'\n",
  });
});
