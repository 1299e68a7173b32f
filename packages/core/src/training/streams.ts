// Streams of random numbers from one seed.

export const streams = { initial: 0, shuffle: 1, random: 2, recalibrate: 3 } as const;
