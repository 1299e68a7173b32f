// What each method of the gRPC port answers.

import type { AppOptions } from '../http/create-app.js';
import { useModel } from '../http/use-model.js';
import { HttpError } from '../http-error.js';
import { allStatistics } from '../models/statistics.js';
import { bytesOf } from '../protocol/binary-elements.js';
import { datatypeOf } from '../protocol/datatypes.js';
import { type InferenceAnswer, infer } from '../protocol/infer.js';
import { metadataOf, server } from '../protocol/metadata.js';
import { modelConfig } from '../protocol/model-config.js';
import { checked } from '../protocol/parse-json.js';
import { parseRequest } from '../protocol/parse-request.js';
import { repositoryRequest } from '../protocol/schemas.js';
import { inSlices } from '../protocol/slices.js';
import type { RequestRecord } from '../request-record.js';
import { type MessageParameters, type ReceivedMessage, valuesOf } from './read-message.js';

/** In fields that are not given, strings are empty. */
interface ModelVersion {
  readonly name: string;
  readonly version: string;
}

interface RepositoryModel {
  readonly model_name: string;
  readonly parameters: MessageParameters;
}

export function createMethods({ models, budgets, timeout, isReady, isLive, isDraining }: AppOptions) {
  const use = <T>(call: RequestRecord, { name, version }: ModelVersion, task: Parameters<typeof useModel<T>>[3]) =>
    useModel(models, call, { name, ...(version !== '' && { version }) }, task);
  const change = (task: 'load' | 'unload') => async (request: RepositoryModel) => {
    checked(repositoryRequest, { parameters: valuesOf(request.parameters) });
    await models[task](request.model_name);
    return {};
  };
  const serves = () => isReady() && !isDraining();
  return {
    ServerLive: () => ({ live: isLive() }),
    ServerReady: () => ({ ready: serves() }),
    Check({ service }: { service: string }) {
      if (service === '' || service === 'inference.GRPCInferenceService') {
        return { status: serves() ? 'SERVING' : 'NOT_SERVING' };
      }
      throw new HttpError(404, `there is no service '${service.slice(0, 100)}'`);
    },
    ServerMetadata: () => server,
    ModelReady: (request: ModelVersion, call: RequestRecord) => use(call, request, () => ({ ready: isReady() })),
    ModelMetadata: (request: ModelVersion, call: RequestRecord) => use(call, request, (model) => metadataOf(model, {})),
    ModelConfig: (request: ModelVersion, call: RequestRecord) =>
      use(call, request, (model) => ({ config: modelConfig(model) })),
    ModelStatistics: (request: ModelVersion, call: RequestRecord) =>
      request.name === ''
        ? allStatistics(models)
        : use(call, request, ({ statistics }) => ({ model_stats: [statistics.report()] })),
    ModelInfer: (received: ReceivedMessage, call: RequestRecord) =>
      use(call, received, async (model) => {
        const request = await inSlices(parseRequest(received, model));
        return messageOf(await infer(model, request, { caller: call, timeout, decoding: budgets.decoding }));
      }),
    RepositoryIndex: ({ ready }: { ready: boolean }) => ({
      models: models.index.filter(({ state }) => !ready || state === 'READY'),
    }),
    RepositoryModelLoad: change('load'),
    RepositoryModelUnload: change('unload'),
  };
}

/** The ModelInferResponse, with its tensors as bytes, in which numbers that are not finite are possible too. */
function messageOf({ model, request, values }: InferenceAnswer): object {
  const outputs = request.outputs.map(({ name }) => ({ name, ...values.get(name)! }));
  return {
    ...{ model_name: model.name, model_version: model.version, id: request.id ?? '' },
    outputs: outputs.map(({ name, spec }) => ({ name, datatype: datatypeOf[spec.dtype], shape: spec.shape })),
    raw_output_contents: outputs.map(({ data }) => bytesOf(data)),
  };
}
