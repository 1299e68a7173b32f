// The files of examples/kubernetes: of the fields that the operator knows, of one mind about names, and with flags that the programs have.

import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { program } from '../apps/train/src/program.js';

const read = (name: string) => readFileSync(new URL(`../examples/kubernetes/${name}`, import.meta.url), 'utf8');
const documents = (name: string) => parseAllDocuments(read(name)).map((document) => document.toJS());
const [redis, service, sweep] = documents('sweep.yaml');
const [mpi] = documents('mpijob.yaml');
const { Launcher, Worker } = mpi.spec.mpiReplicaSpecs;
const dockerfile = read('Dockerfile');

const closed = (properties: object, required: readonly string[] = []) => ({
  ...{ type: 'object', properties, required, additionalProperties: false },
});
const whole = { type: 'integer', minimum: 0 };
const names = (...values: readonly string[]) => ({ enum: values });
/** Its pods are Kubernetes' own: deploy.verify.ts has them checked by its schemas. */
const replicas = closed(
  { replicas: whole, restartPolicy: names('Never', 'OnFailure', 'Always'), template: { type: 'object' } },
  ['replicas', 'template'],
);

/** What the operator's version 0.8 takes as an MPIJob of v2beta1: its fields, without those that Kubernetes writes. */
const mpiJob = closed(
  {
    apiVersion: { const: 'kubeflow.org/v2beta1' },
    kind: { const: 'MPIJob' },
    metadata: { type: 'object', required: ['name'] },
    spec: closed(
      {
        slotsPerWorker: whole,
        runLauncherAsWorker: { type: 'boolean' },
        sshAuthMountPath: { type: 'string' },
        launcherCreationPolicy: names('AtStartup', 'WaitForWorkersReady'),
        mpiImplementation: names('OpenMPI', 'Intel', 'MPICH'),
        runPolicy: closed({
          cleanPodPolicy: names('None', 'Running', 'All'),
          ...{ ttlSecondsAfterFinished: whole, activeDeadlineSeconds: whole, backoffLimit: whole },
          ...{ schedulingPolicy: { type: 'object' }, suspend: { type: 'boolean' }, managedBy: { type: 'string' } },
        }),
        mpiReplicaSpecs: closed({ Launcher: replicas, Worker: replicas }, ['Launcher']),
      },
      ['mpiReplicaSpecs'],
    ),
  },
  ['apiVersion', 'kind', 'metadata', 'spec'],
);

test('mpijob.yaml has the fields that the operator knows', () => {
  const validate = new Ajv().compile(mpiJob);
  expect(validate(mpi), JSON.stringify(validate.errors)).toBe(true);
});

describe('all files say the same', () => {
  const [container] = sweep.spec.template.spec.containers;

  test('of the image, its user, and where the keys and the configuration of ssh are', () => {
    const [image] = /bn-train:[\d.]+/.exec(dockerfile)!;
    const pods = [sweep.spec.template, Launcher.template, Worker.template].map(({ spec }) => spec);
    expect(pods.map(({ containers }) => containers[0].image)).toEqual([image, image, image]);
    const users = pods.map(({ securityContext }) => `${securityContext.runAsUser}:${securityContext.runAsUser}`);
    expect(new Set(users)).toEqual(new Set([/^USER (.*)$/m.exec(dockerfile)![1]]));
    expect(dockerfile).toContain(`HostKey ${mpi.spec.sshAuthMountPath}/id_rsa`);
    expect(dockerfile).toContain(`> ${Worker.template.spec.containers[0].command.at(-1)}`);
    expect(dockerfile.match(/Port \d+/g)).toEqual(['Port 2222', 'Port 2222']);
  });

  test('of the way to Redis, its password, and the folder that all share', () => {
    const { value } = container.env.find(({ name }: { name: string }) => name === 'BN_REDIS');
    expect(value).toBe(`redis://:$(PASSWORD)@${service.metadata.name}:${service.spec.ports[0].port}`);
    expect(service.spec.selector).toEqual(redis.spec.template.metadata.labels);
    const [password] = container.env;
    expect(redis.spec.template.spec.containers[0].env).toEqual([password]);
    expect(read('README.md')).toContain(
      `secret generic ${password.valueFrom.secretKeyRef.name} --from-literal=password=`,
    );
    for (const { spec } of [sweep.spec.template, Launcher.template, Worker.template]) {
      expect(spec.volumes).toEqual([{ name: 'shared', persistentVolumeClaim: { claimName: 'bn-shared' } }]);
      expect(spec.containers[0].volumeMounts).toEqual([{ name: 'shared', mountPath: spec.containers[0].workingDir }]);
    }
  });

  test('of how many processes there are', () => {
    const { slotsPerWorker } = mpi.spec;
    const script: string = Launcher.template.spec.containers[0].args[0];
    expect([...script.matchAll(/mpirun -n (\d+) /g)].map(([, n]) => Number(n))).toEqual(
      Array(2).fill(Worker.replicas * slotsPerWorker),
    );
    expect(sweep.spec.parallelism).toBe(sweep.spec.completions);
  });

  test('of commands and flags that train has', async () => {
    const scripts: string[] = [container.args[0], Launcher.template.spec.containers[0].args[0]];
    const calls = scripts.flatMap((script) => [...script.matchAll(/bn-train( [a-z]+)?((?: --?[\w-]+| [^\s;]+)*)/g)]);
    expect(calls).toHaveLength(5);
    for (const [, command = '', args = ''] of calls) {
      let help = '';
      const stream = {
        write(text: string) {
          help += text;
        },
      };
      const io = { cwd: '.', env: {}, stdout: stream, stderr: stream, signal: new AbortController().signal };
      expect(await program.main([...(command ? [command.trim()] : []), '--help'], io)).toBe(0);
      for (const [flag] of args.matchAll(/--[a-z-]+/g)) expect(help).toMatch(new RegExp(`^ +${flag} [<\\[]`, 'm'));
    }
  });
});
