// Generated photographs: a ball, a house, a tree or a fish, drawn in many colours, sizes and places, among clutter.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createGenerator, type Generator } from '@bn/core';
import sharp from 'sharp';

const photographClasses = ['ball', 'fish', 'house', 'tree'] as const;
type Kind = (typeof photographClasses)[number];

/** In pixels. */
const [width, height] = [128, 96];

/**
 * Writes `count` JPEG files of 128 × 96 pixels into one folder per class, as many of each. The same seed and numbers give the same
 * pictures. What tells classes apart is the form and, less so, what it is painted with; palettes overlap widely, and
 * circles, boxes, triangles and ovals of any colour lie about in all of them.
 */
export async function writePhotographs(folder: string, count: number, { seed = 0 } = {}): Promise<void> {
  for (const kind of photographClasses) await mkdir(join(folder, kind), { recursive: true });
  for (let i = 0; i < count; i++) {
    const kind = photographClasses[i % photographClasses.length]!;
    await writeFile(join(folder, kind, `${String(i).padStart(6, '0')}.jpg`), await photograph(kind, seed, i));
  }
}

/** The bytes of one JPEG. */
async function photograph(kind: Kind, seed: number, number: number): Promise<Buffer> {
  const draw = new Draws(createGenerator(seed, number));
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${scene(kind, draw)}</svg>`;
  const rendered = sharp(Buffer.from(svg)).removeAlpha();
  const blur = draw.between(0, 0.8);
  const { data } = await (blur > 0.3 ? rendered.blur(blur) : rendered).raw().toBuffer({ resolveWithObject: true });
  expose(data, draw);
  return sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: Math.round(draw.between(60, 95)) })
    .toBuffer();
}

class Draws {
  readonly #random: Generator;

  constructor(random: Generator) {
    this.#random = random;
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.#random.uniform();
  }

  whole(low: number, high: number): number {
    return low + this.#random.integer(high - low + 1);
  }

  chance(probability: number): boolean {
    return this.#random.uniform() < probability;
  }

  one<T>(of: readonly T[]): T {
    return of[this.#random.integer(of.length)]!;
  }

  /** Any colour; with hues, one near one of them more often than not. */
  color(hues?: readonly number[]): string {
    const hue = hues && this.chance(0.95) ? this.one(hues) + this.between(-12, 12) : this.between(0, 360);
    return hsl(hue, this.between(15, 85), this.between(22, 78));
  }

  /** Light or camera noise of one value: roughly normal. */
  noise(): number {
    return this.#random.uniform() + this.#random.uniform() - 1;
  }
}

function hsl(hue: number, saturation: number, lightness: number): string {
  return `hsl(${hue.toFixed(0)},${saturation.toFixed(0)}%,${lightness.toFixed(0)}%)`;
}

function scene(kind: Kind, draw: Draws): string {
  const parts = [background(draw, draw.chance(0.75) ? grounds[kind] : anywhere)];
  for (let n = draw.whole(0, 4); n > 0; n--) parts.push(clutter(draw, 0.2));
  const size = draw.between(0.7, 0.95) * height;
  const [x, y] = [draw.between(size * 0.45, width - size * 0.45), draw.between(size * 0.45, height - size * 0.45)];
  const mirror = draw.chance(0.5) ? -1 : 1;
  const turn = { ball: 180, fish: 20, house: 6, tree: 8 }[kind];
  const place = `translate(${x} ${y}) rotate(${draw.between(-turn, turn)})`;
  const form = `scale(${mirror * size * draw.between(0.85, 1.15)} ${size})`;
  parts.push(`<g transform="${place} ${form}">${objects[kind](draw)}</g>`);
  for (let n = draw.whole(0, 1); n > 0; n--) parts.push(clutter(draw, 0.12));
  return parts.join('');
}

/** Hues of what is far and near: where a thing is usually found, and elsewhere. */
interface Ground {
  readonly far: readonly number[];
  readonly near: readonly number[];
}
const grounds: Readonly<Record<Kind, Ground>> = {
  ball: { far: [35, 45, 200], near: [95, 35] },
  fish: { far: [200, 215], near: [190, 175, 50] },
  house: { far: [205, 215], near: [95, 40] },
  tree: { far: [205, 215, 190], near: [95, 110] },
};
const anywhere: Ground = { far: [200, 220, 30], near: [90, 35, 205] };

/** Two grounds that meet at a horizon, each in a gradient. */
function background(draw: Draws, { far, near }: Ground): string {
  const horizon = draw.between(0.3, 0.85) * height;
  const gradient = (id: string, hues: readonly number[]) =>
    `<linearGradient id="${id}" x2="${draw.between(-1, 1)}" y2="1"><stop stop-color="${draw.color(hues)}"/>` +
    `<stop offset="1" stop-color="${draw.color(hues)}"/></linearGradient>`;
  const band = (id: string, from: number, to: number) =>
    `<rect y="${from}" width="${width}" height="${to - from}" fill="url(#${id})"/>`;
  const defs = `<defs>${gradient('far', far)}${gradient('near', near)}</defs>`;
  return defs + band('far', 0, horizon) + band('near', horizon, height);
}

function clutter(draw: Draws, most: number): string {
  const size = draw.between(0.06, most) * height;
  const [x, y] = [draw.between(0, width), draw.between(0, height)];
  const paint = `fill="${draw.color()}" fill-opacity="${draw.between(0.5, 1)}"`;
  const turned = `transform="translate(${x} ${y}) rotate(${draw.between(0, 360)}) scale(${size} ${size * draw.between(0.4, 1)})"`;
  const form = draw.one([
    `<circle r="0.5" ${paint}/>`,
    `<rect x="-0.5" y="-0.5" width="1" height="1" ${paint}/>`,
    `<path d="M-0.5 0.5 L0 -0.5 L0.5 0.5Z" ${paint}/>`,
    `<path d="M-0.6 0 Q0 -0.9 0.6 0 T1.4 0" fill="none" stroke="${draw.color()}" stroke-width="${draw.between(0.05, 0.2)}"/>`,
  ]);
  return `<g ${turned}>${form}</g>`;
}

/** Each within −0.5 … 0.5. */
const objects: Readonly<Record<Kind, (draw: Draws) => string>> = {
  ball(draw) {
    const [own, other] = [draw.color([5, 25, 50]), draw.color()];
    const shade = `<radialGradient id="shade" cx="0.35" cy="0.3"><stop stop-color="#fff" stop-opacity="0.5"/><stop offset="0.6" stop-color="#000" stop-opacity="0.05"/><stop offset="1" stop-color="#000" stop-opacity="0.5"/></radialGradient>`;
    const seam = (d: string) => `<path d="${d}" fill="none" stroke="${other}" stroke-width="0.05"/>`;
    const pattern = draw.one([
      '',
      seam('M-0.47 0 H0.47') +
        seam('M0 -0.47 V0.47') +
        seam('M-0.3 -0.36 Q0 0 -0.3 0.36') +
        seam('M0.3 -0.36 Q0 0 0.3 0.36'),
      `<path d="M-0.16 -0.44 Q0.1 0 -0.16 0.44 L0.16 0.44 Q0.4 0 0.16 -0.44Z" fill="${other}"/>`,
      [
        [0, 0],
        [0.3, 0.2],
        [-0.3, 0.2],
        [0.2, -0.32],
        [-0.2, -0.32],
      ]
        .map(([x, y]) => `<circle cx="${x}" cy="${y}" r="0.11" fill="${other}"/>`)
        .join(''),
    ]);
    return `<defs>${shade}</defs><circle r="0.48" fill="${own}"/>${pattern}<circle r="0.48" fill="url(#shade)"/>`;
  },
  fish(draw) {
    const [own, other] = [draw.color([25, 205, 50]), draw.color()];
    const depth = draw.between(0.2, 0.36);
    const stripes = Array.from({ length: draw.whole(0, 3) }, (_, i) => {
      const x = 0.12 - i * 0.16;
      return `<path d="M${x} ${-depth * 0.8} Q${x - 0.08} 0 ${x} ${depth * 0.8}" stroke="${other}" stroke-width="0.06" fill="none"/>`;
    });
    const tail = draw.between(0.16, 0.3);
    return (
      `<path d="M-0.2 0 L-0.5 ${-tail} Q-0.4 0 -0.5 ${tail}Z" fill="${draw.chance(0.5) ? own : other}"/>` +
      `<path d="M-0.05 ${-depth * 0.7} Q0.05 ${-depth - 0.2} -0.18 ${-depth - 0.05}Z" fill="${other}"/>` +
      `<path d="M0.5 0 Q0.2 ${-depth * 1.6} -0.3 0 Q0.2 ${depth * 1.6} 0.5 0Z" fill="${own}"/>${stripes.join('')}` +
      `<circle cx="0.32" cy="-0.05" r="0.05" fill="#fff"/><circle cx="0.33" cy="-0.05" r="0.028" fill="#111"/>`
    );
  },
  house(draw) {
    const [wall, roof, pane] = [draw.color([35, 15, 50]), draw.color([5, 20, 210]), draw.color([205, 50])];
    const eaves = draw.between(-0.2, 0.02);
    const columns = draw.whole(1, 3);
    const windows = Array.from({ length: columns }, (_, i) => {
      const x = -0.4 + (i + 0.5) * (0.8 / columns) - 0.07;
      return `<rect x="${x}" y="${eaves + 0.08}" width="0.14" height="0.14" fill="${pane}" stroke="#eee" stroke-width="0.02"/>`;
    });
    const chimney = draw.chance(0.5) ? `<rect x="0.18" y="-0.5" width="0.1" height="0.3" fill="${wall}"/>` : '';
    const ridge = draw.between(0, 0.25);
    const courses = Array.from({ length: 6 }, (_, i) => `M-0.42 ${eaves + (i + 1) * 0.08} H0.42`).join('');
    return (
      `${chimney}<rect x="-0.42" y="${eaves}" width="0.84" height="${0.5 - eaves}" fill="${wall}"/>` +
      `<path d="${courses}" stroke="#000" stroke-opacity="0.3" stroke-width="0.012"/>` +
      `<path d="M-0.5 ${eaves} L${-ridge} -0.48 L${ridge} -0.48 L0.5 ${eaves}Z" fill="${roof}"/>${windows.join('')}` +
      `<rect x="${draw.between(-0.3, 0.15)}" y="0.24" width="0.15" height="0.26" fill="${draw.color([25, 0])}"/>`
    );
  },
  tree(draw) {
    const hues = [95, 120, 45];
    const trunk = `<path d="M-0.05 0 L-0.08 0.5 L0.08 0.5 L0.05 0Z" fill="${draw.color([28, 20])}"/>`;
    const leaves = draw.color(hues);
    if (draw.chance(0.35)) {
      const tier = (y: number, half: number) =>
        `<path d="M0 ${y - 0.3} L${half} ${y} L${-half} ${y}Z" fill="${leaves}"/>`;
      return trunk + tier(0.25, 0.36) + tier(0.02, 0.29) + tier(-0.18, 0.2);
    }
    const crown = Array.from({ length: draw.whole(6, 12) }, () => {
      const [angle, far] = [draw.between(0, 2 * Math.PI), draw.between(0, 0.24)];
      const [x, y] = [far * 1.2 * Math.cos(angle), -0.18 + far * Math.sin(angle)];
      return `<circle cx="${x}" cy="${y}" r="${draw.between(0.1, 0.2)}" fill="${draw.chance(0.6) ? leaves : draw.color(hues)}"/>`;
    });
    const specks = Array.from({ length: 40 }, () => {
      const [angle, far] = [draw.between(0, 2 * Math.PI), draw.between(0, 0.34)];
      const at = `cx="${far * 1.1 * Math.cos(angle)}" cy="${-0.18 + far * Math.sin(angle)}"`;
      return `<circle ${at} r="0.02" fill="${draw.chance(0.5) ? '#000' : '#fff'}" fill-opacity="0.25"/>`;
    });
    return trunk + crown.join('') + specks.join('');
  },
};

/** Light that falls unevenly, its colour, and the noise of a camera. */
function expose(data: Buffer, draw: Draws): void {
  const light = draw.between(0.7, 1.2);
  const tint = [draw.between(0.88, 1.12), draw.between(0.92, 1.08), draw.between(0.88, 1.12)];
  const [slopeX, slopeY, noise] = [draw.between(-0.3, 0.3), draw.between(-0.3, 0.3), draw.between(2, 10)];
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const here = light * (1 + slopeX * (x / width - 0.5) + slopeY * (y / height - 0.5));
      for (let c = 0; c < 3; c++, at++) {
        data[at] = Math.max(0, Math.min(255, Math.round(data[at]! * here * tint[c]! + noise * draw.noise())));
      }
    }
  }
}
