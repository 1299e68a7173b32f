"""Asks a server with KServe's clients for Python, which cannot be in one process with Triton's.

kserve_clients.py HTTP_PORT GRPC_PORT

The server has the model `light`, whose class is where the light is in 2 x 2 pixels.
"""

import asyncio
import sys

import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig

http_port, grpc_port = sys.argv[1:]
pixels = np.array([[10, 200, 0, 30], [255, 1, 2, 3]], np.float32).reshape(2, 1, 2, 2)
exponentials = np.exp(4 * pixels.reshape(2, 4) / 255)
expected = exponentials / exponentials.sum(1, keepdims=True)


async def ask():
    rest = InferenceRESTClient(RESTConfig(protocol="v2"))
    url = f"http://127.0.0.1:{http_port}"
    grpc = InferenceGRPCClient(f"127.0.0.1:{grpc_port}")
    assert await rest.is_server_live(url) and await rest.is_server_ready(url) and await rest.is_model_ready(url, "light")
    assert await grpc.is_server_live() and await grpc.is_server_ready() and await grpc.is_model_ready("light")
    print("live, ready", flush=True)
    binary = InferInput("features", list(pixels.shape), "FP32")
    binary.set_data_from_numpy(pixels, binary_data=True)
    typed = InferInput("features", list(pixels.shape), "FP32", data=pixels.flatten().tolist())
    for form, tensor in [("typed", typed), ("binary", binary)]:
        request = InferRequest(model_name="light", infer_inputs=[tensor])
        for kind, answer in [
            ("REST", await rest.infer(url, request, model_name="light")),
            ("gRPC", await grpc.infer(request)),
        ]:
            outputs = {output.name: output.as_numpy() for output in answer.outputs}
            np.testing.assert_allclose(outputs["probabilities"].reshape(2, 4), expected, atol=1e-5)
            print(kind, form, flush=True)
    await rest.close()
    await grpc.close()


asyncio.run(ask())
