// What a call has to pass before its message is read: the API key, the time it takes to arrive, and the bytes that all may hold.

import { constants, type ServerHttp2Stream } from 'node:http2';
import {
  type Metadata,
  ResponderBuilder,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
} from '@grpc/grpc-js';
import { isAuthorized } from '../http/api-key.js';
import type { AppOptions } from '../http/create-app.js';
import { HttpError } from '../http-error.js';
import { statusOf } from './status.js';

/** Open to those without the key, as /v2/health is. */
const open = new Set(['ServerLive', 'ServerReady', 'Check']);

export function admission({ apiKey, budgets, timeout }: AppOptions): ServerInterceptor {
  return (method, call) => {
    const { stream } = call as unknown as { readonly stream: ServerHttp2Stream };
    const share = budgets.bodies.share();
    const refuse = (error: HttpError) => {
      finish();
      call.sendStatus(statusOf(error));
      // Else what has arrived would be held until the client ends the call.
      stream.close(constants.NGHTTP2_NO_ERROR);
    };
    const late = () => refuse(new HttpError(504, 'the request took too long to arrive'));
    const timer = setTimeout(late, timeout);
    const take = ({ length }: { readonly length: number }) => {
      try {
        share.take(length);
      } catch (error) {
        refuse(error as HttpError);
      }
    };
    const finish = () => {
      clearTimeout(timer);
      stream.off('data', take);
    };
    // Messages come to interceptors when they have arrived as a whole: the parts are counted where they come from.
    stream.on('data', take);
    stream.once('close', () => {
      finish();
      share.release();
    });
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, next) => {
        const isAllowed = apiKey === null || open.has(method.path.split('/').at(-1)!);
        if (isAllowed || isAuthorized(headersOf(metadata), apiKey)) next(metadata);
        else refuse(new HttpError(401, 'the API key is missing or wrong; send it as authorization: Bearer <key>'));
      })
      .withOnReceiveMessage((message, next) => {
        finish();
        next(message);
      })
      .build();
    const responder = new ResponderBuilder().withStart((next) => next(listener)).build();
    return new ServerInterceptingCall(call, responder);
  };
}

function headersOf(metadata: Metadata): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata.getMap()).map(([name, value]) => [name, String(value)]));
}
