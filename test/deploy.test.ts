// The files of deploy/: valid for the programs that read them, and of one mind about names, ports and flags.

import { readFileSync } from 'node:fs';
import { parser as promql } from '@prometheus-io/lezer-promql';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { program } from '../apps/infer/src/program.js';
import { Metrics } from '../apps/infer/src/serve/http/metrics.js';

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
const documents = (path: string) => parseAllDocuments(read(path)).map((document) => document.toJS());
const dockerfile = read('deploy/Dockerfile');
const compose = parse(read('deploy/compose.yaml'));
const unit = read('deploy/bn-infer.service');
const caddyfile = read('deploy/Caddyfile');
const [deployment, service, , scaler] = documents('deploy/kubernetes.yaml');
const [runtime, inferenceService] = documents('deploy/kserve.yaml');
const containers = [deployment.spec.template.spec.containers[0], runtime.spec.containers[0]];

test('files for Compose are valid by the schema of the Compose Specification', () => {
  const schema = JSON.parse(read('test/data/compose-spec.json'));
  const validate = new Ajv({ strict: false }).compile(schema);
  for (const file of [compose, parse(read('examples/sweep/compose.yaml'))]) {
    expect(validate(file), JSON.stringify(validate.errors)).toBe(true);
  }
});

test.each([runtime, inferenceService])("$kind is valid by KServe's schema", (document) => {
  const schemas = JSON.parse(read('test/data/kserve-schemas.json'));
  const validate = new Ajv({ strict: false }).compile(schemas[document.kind]);
  expect(validate(document), JSON.stringify(validate.errors)).toBe(true);
});

describe('all files say the same', () => {
  const instruction = (name: string) => new RegExp(`^${name} (.*)$`, 'm').exec(dockerfile)![1]!;
  const [image] = /bn-infer:[\d.]+/.exec(dockerfile)!;

  test('of the image, the user, the port and the health of the server', () => {
    const images = [compose.services.infer, ...containers].map((container) => container.image);
    expect(new Set(images)).toEqual(new Set([image]));
    const { runAsUser, runAsGroup } = deployment.spec.template.spec.securityContext;
    expect([instruction('USER'), runtime.spec.containers[0].securityContext.runAsUser]).toEqual([
      `${runAsUser}:${runAsGroup}`,
      runAsUser,
    ]);
    const [port, grpcPort] = instruction('EXPOSE').split(' ') as [string, string];
    expect(containers.map(({ ports }) => String(ports[0].containerPort))).toEqual([port, port]);
    expect(JSON.parse(instruction('ENTRYPOINT'))).toEqual(expect.arrayContaining(['--port', port]));
    expect(unit).toContain(`--port ${port}`);
    expect(dockerfile).toContain(`http://127.0.0.1:${port}/v2/health/ready`);
    expect(caddyfile).toContain(`dynamic a infer ${port}`);
    expect(JSON.parse(instruction('ENTRYPOINT'))).toEqual(expect.arrayContaining(['--grpc-port', grpcPort]));
    expect(unit).toContain(`--grpc-port ${grpcPort}`);
    expect(compose.services.infer.expose).toEqual([grpcPort]);
    const { ports } = containers[0];
    expect(String(ports[1].containerPort)).toBe(grpcPort);
    const targets = service.spec.ports.map(({ targetPort }: { targetPort: string }) => targetPort);
    expect(targets).toEqual(ports.map(({ name }: { name: string }) => name));
    for (const { startupProbe, readinessProbe, livenessProbe } of containers) {
      const paths = [startupProbe, readinessProbe, livenessProbe].map(({ httpGet }) => httpGet.path);
      expect(paths).toEqual(['/v2/health/ready', '/v2/health/ready', '/v2/health/live']);
    }
  });

  test('of labels and names that refer to each other', () => {
    const labels = deployment.spec.template.metadata.labels;
    const selectors = documents('deploy/kubernetes.yaml').map(
      ({ spec }) => spec.selector?.matchLabels ?? spec.selector,
    );
    expect(selectors.filter(Boolean)).toEqual([labels, labels, labels]);
    expect(scaler.spec.scaleTargetRef.name).toBe(deployment.metadata.name);
    expect(inferenceService.spec.predictor.model.runtime).toBe(runtime.metadata.name);
  });

  test('of flags that infer serve has, and limits that it keeps', async () => {
    let help = '';
    const stream = {
      write(text: string) {
        help += text;
      },
    };
    const io = { cwd: '.', env: {}, stdout: stream, stderr: stream, signal: new AbortController().signal };
    await program.main(['serve', '--help'], io);
    const commands = [
      ...[instruction('ENTRYPOINT'), instruction('CMD')].map((text) => JSON.parse(text)),
      compose.services.infer.command,
      ...containers.map(({ args }) => args),
      /^ExecStart=(.*)$/m.exec(unit)![1]!.split(' '),
    ];
    const flags = commands.flat().filter((word: string) => word.startsWith('--'));
    expect(flags.length).toBeGreaterThan(5);
    for (const flag of flags) expect(help).toMatch(new RegExp(`^ +${flag} <`, 'm'));

    const normal = (flag: string) => Number(new RegExp(`${flag} .*?\\[default (\\d+)\\]`, 's').exec(help)![1]);
    expect(caddyfile).toContain(`max_size ${normal('--max-body')}MiB`);
    expect(caddyfile).toContain(`read_body ${normal('--timeout')}s`);
    const grace = [
      deployment.spec.template.spec.terminationGracePeriodSeconds,
      Number.parseInt(compose.services.infer.stop_grace_period, 10),
      Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)![1]),
    ];
    for (const seconds of grace) expect(seconds).toBeGreaterThan(normal('--drain') + 2);
  });
});

describe('metrics', async () => {
  const metrics = await new Metrics({ queued: () => [['m', 1]], workers: () => 1 }).text();
  const types = new Map([...metrics.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name!, type!]));
  const series = [...types].flatMap(([name, type]) =>
    type === 'histogram' ? ['_bucket', '_sum', '_count'].map((ending) => name + ending) : [name],
  );

  test('that are the server’s own stand in docs/deploy.md, with their types', () => {
    const rows = [...read('docs/deploy.md').matchAll(/^\| `(bn_\w+)` \| (\w+) \|/gm)];
    const own = [...types].filter(([name]) => name.startsWith('bn_'));
    expect(new Map(rows.map(([, name, type]) => [name, type]))).toEqual(new Map(own));
  });

  test('that the scaler takes exist', () => {
    expect(types.get(scaler.spec.metrics[0].pods.metric.name)).toBe('gauge');
  });

  describe('that the dashboard shows', () => {
    const dashboard = JSON.parse(read('deploy/grafana-dashboard.json'));
    const expressions: string[] = dashboard.panels.flatMap(({ targets }: { targets: { expr: string }[] }) =>
      targets.map(({ expr }) => expr),
    );

    test.each(expressions)('%s', (expression) => {
      const text = expression.replaceAll('$__rate_interval', '1m');
      const names: string[] = [];
      promql.parse(text).iterate({
        enter({ type, from, to }) {
          expect(type.isError, `near ${text.slice(from)}`).toBe(false);
          if (type.name === 'Identifier') names.push(text.slice(from, to));
        },
      });
      expect(names.length).toBeGreaterThan(0);
      for (const name of names) expect(series).toContain(name);
    });

    test('are in panels that Grafana can lay out, with variables that it can ask for', () => {
      const { panels, schemaVersion, templating, title, uid } = dashboard;
      expect([title, uid, schemaVersion]).toEqual(['bn-infer', 'bn-infer', expect.any(Number)]);
      const cells = new Set<string>();
      for (const { id, type, targets, gridPos, datasource } of panels) {
        expect([id, type, datasource.type]).toEqual([expect.any(Number), 'timeseries', 'prometheus']);
        expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
        for (let x = 0; x < gridPos.w; x++) {
          for (let y = 0; y < gridPos.h; y++) {
            const cell = `${gridPos.x + x} ${gridPos.y + y}`;
            expect(cells.has(cell), `panel ${id} lies on another one`).toBe(false);
            cells.add(cell);
          }
        }
        const ids = targets.map(({ refId }: { refId: string }) => refId);
        expect(new Set(ids).size).toBe(ids.length);
      }
      expect(new Set(panels.map(({ id }: { id: number }) => id)).size).toBe(panels.length);
      const names = templating.list.map(({ name }: { name: string }) => name);
      const used = JSON.stringify(dashboard).matchAll(/\$\{?([a-z]\w+)/g);
      for (const [, name] of used) expect(names).toContain(name);
      for (const { query } of templating.list.slice(1)) {
        expect(series).toContain(/^label_values\((\w+), \w+\)$/.exec(query.query)![1]);
      }
    });
  });
});
