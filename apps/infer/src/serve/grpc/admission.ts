// What a call has to pass before its message is read: the API key, the time it takes to arrive, and the bytes that all may hold.

import { constants, type ServerHttp2Stream } from 'node:http2';
import { ResponderBuilder, ServerInterceptingCall, type ServerInterceptor, ServerListenerBuilder } from '@grpc/grpc-js';
import { isAuthorized } from '../http/api-key.js';
import type { AppOptions } from '../http/create-app.js';
import { HttpError } from '../http-error.js';
import type { RequestRecord } from '../request-record.js';
import { headersOf, recordCall, responseMetadata } from './call-records.js';
import { statusOf } from './status.js';

/** Open to those without the key, as /v2/health is. */
const open = new Set(['ServerLive', 'ServerReady', 'Check']);

export function admission(options: AppOptions): ServerInterceptor {
  const { apiKey, timeout } = options;
  return ({ path }, call) => {
    const { stream } = call as unknown as { readonly stream: ServerHttp2Stream };
    const isProbe = open.has(path.split('/').at(-1)!);
    let record: RequestRecord;
    const refuse = (error: HttpError) => {
      arrived();
      record.status = error.statusCode;
      call.sendStatus({ ...statusOf(error), metadata: responseMetadata(record) });
      // Else what has arrived would be held until the client ends the call.
      stream.close(constants.NGHTTP2_NO_ERROR);
    };
    const take = ({ length }: { readonly length: number }) => {
      try {
        record.share.take(length);
      } catch (error) {
        refuse(error as HttpError);
      }
    };
    const timer = setTimeout(() => refuse(new HttpError(504, 'the request took too long to arrive')), timeout);
    // Messages come to interceptors when they have arrived as a whole: the parts are counted where they come from.
    stream.on('data', take);
    const arrived = () => {
      clearTimeout(timer);
      stream.off('data', take);
    };
    stream.once('close', () => {
      arrived();
      record.end();
    });
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, next) => {
        const ip = stream.session?.socket.remoteAddress;
        record = recordCall({ path, ip, isProbe }, metadata, options);
        if (apiKey === null || isProbe || isAuthorized(headersOf(metadata), apiKey)) next(metadata);
        else refuse(new HttpError(401, 'the API key is missing or wrong; send it as authorization: Bearer <key>'));
      })
      .withOnReceiveMessage((message, next) => {
        arrived();
        next(message);
      })
      .build();
    const responder = new ResponderBuilder().withStart((next) => next(listener)).build();
    return new ServerInterceptingCall(call, responder);
  };
}
