// Plans of programs as text, for those who want to see what becomes of their network: BN_PRINT=nests,steps.

import { BnError } from '@bn/core';
import { type Look, printed } from '../pipeline.js';

/**
 * Prints the stages that a list names, separated by commas, to standard error.
 *
 * @returns undefined if there is no list
 * @throws BnError `argument` for a stage that does not exist
 */
export function printPlans(list: string | undefined): Look | undefined {
  if (!list) return undefined;
  const asked = list.split(',').map((name) => name.trim());
  const unknown = asked.find((name) => !printed.some((stage) => stage === name));
  if (unknown !== undefined) {
    throw new BnError(
      'argument',
      `BN_PRINT: no stage '${unknown}'; stages are ${printed.join(', ')}, separated by commas`,
    );
  }
  return (stage, text) => {
    if (asked.includes(stage)) console.error(`== ${stage}\n${text()}`);
  };
}
